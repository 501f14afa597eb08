import Files
import Foundation
import Metrics
import ScanSupport
import Testing

/// How often the interval holds the truth, and how often a verdict is false, by simulation.
@Suite struct CoverageTests {
  /// Differences of mean 0.
  enum Shape: String, CaseIterable, Sendable {
    case normal, heavyTailed, exponential, lognormal

    func draw(_ random: inout SplitMix64) -> Double {
      func normal() -> Double {
        (-2 * log(1 - random.uniform())).squareRoot() * cos(2 * .pi * random.uniform())
      }
      switch self {
      case .normal: return normal()
      case .heavyTailed:
        // Student's t with three degrees of freedom.
        let above = normal()
        let squares = (0..<3).reduce(0) { sum, _ in
          let value = normal()
          return sum + value * value
        }
        return above / (squares / 3).squareRoot()
      case .exponential: return -log(1 - random.uniform()) - 1
      case .lognormal: return exp(normal()) - exp(0.5)
      }
    }

    /// Coverage of 95 % for 6, 10 and 20 people, as the documentation of `PairedComparison` has it.
    var documented: [Double] {
      switch self {
      case .normal: [0.950, 0.950, 0.950]
      case .heavyTailed: [0.962, 0.959, 0.957]
      case .exponential: [0.887, 0.900, 0.919]
      case .lognormal: [0.823, 0.840, 0.867]
      }
    }
  }

  private func outcomes(_ shape: Shape, people: Int, draws: Int, mean: Double = 0) -> [PairedComparison
    .Outcome: Int]
  {
    var random = SplitMix64(seed: 20)
    let none = [Double](repeating: 0, count: people)
    var counts: [PairedComparison.Outcome: Int] = [:]
    for _ in 0..<draws {
      let differences = (0..<people).map { _ in mean + shape.draw(&random) }
      if let outcome = PairedComparison(differences, none)?.outcome { counts[outcome, default: 0] += 1 }
    }
    return counts
  }

  @Test(arguments: Shape.allCases) func theIntervalCoversAsDocumented(shape: Shape) {
    let draws = Soak.count(20_000, soak: 200_000)
    for (people, documented) in zip([6, 10, 20], shape.documented) {
      let covered = Double(outcomes(shape, people: people, draws: draws)[.undecided] ?? 0) / Double(draws)
      // Four standard errors of the simulation, and the documented figure's own digits.
      let error = (documented * (1 - documented) / Double(draws)).squareRoot()
      #expect(abs(covered - documented) < 4 * error + 0.0006, "\(shape), \(people) people: \(covered)")
      Soak.report("the 95 % interval of \(people) people covers \(covered) (\(shape.rawValue) differences)")
    }
  }

  /// Where nothing differs, one verdict in twenty is false, as often for the one side as for the other.
  @Test(arguments: [6, 10, 20]) func falseVerdictsAreFewAndFair(people: Int) {
    let draws = Soak.count(20_000, soak: 200_000)
    let counts = outcomes(.normal, people: people, draws: draws)
    let (better, worse) = (Double(counts[.better] ?? 0), Double(counts[.worse] ?? 0))
    #expect(abs((better + worse) / Double(draws) - 0.05) < 0.0065)
    #expect(abs(better - worse) < 5 * (better + worse).squareRoot())
    #expect(counts[.tooFewPeople] == nil)
  }

  @Test(arguments: 1...5) func fewPeopleGiveNoVerdictAtAll(people: Int) {
    for mean in [0.0, 50] {
      #expect(outcomes(.normal, people: people, draws: 500, mean: mean) == [.tooFewPeople: 500])
    }
  }

  /// It would be no use to be never wrong by never speaking.
  @Test func aLargeDifferenceIsFound() {
    let counts = outcomes(.normal, people: 10, draws: 2000, mean: 2)
    #expect(counts[.better] ?? 0 > 1980 && counts[.worse] == nil)
  }
}
