import Imaging

/// That a model is not shown one of a patient's contrasts where it makes a certain other one, as it does that better without.
public struct Withholding: Sendable, Equatable {
  /// The contrast that is made.
  public let target: Modality
  /// The one that is not shown, and the one that must be there for that.
  public let withheld: Modality, beside: Modality
  /// Why, without a full stop.
  public let reason: String

  public init(_ withheld: Modality, makingOf target: Modality, beside: Modality, because reason: String) {
    (self.target, self.withheld, self.beside, self.reason) = (target, withheld, beside, reason)
  }

  func holds(for target: Modality, given: Set<Modality>) -> Bool {
    target == self.target && given.isSuperset(of: [withheld, beside])
  }

  /// What a reader of the result should know.
  var note: String {
    "\(target.title) is made without \(withheld.title), which is given: \(reason)"
  }
}

extension [Withholding] {
  /// Of what a patient has, what is not shown where a contrast is made.
  package func withheld(for target: Modality, given: Set<Modality>) -> [Modality] {
    Modality.allCases.filter { modality in
      contains { $0.withheld == modality && $0.holds(for: target, given: given) }
    }
  }
}

extension Synthesizer {
  /// Contrasts that are made of the same scans.
  struct Round {
    var targets: [Modality]
    var withheld: [Modality]
  }

  /// What is made together, in the order of the first of them; and what a reader should know.
  func rounds(_ targets: [Modality], given: Set<Modality>) -> (rounds: [Round], notes: [String]) {
    var rounds: [Round] = []
    var notes: [String] = []
    for target in targets {
      notes += withholdings.filter { $0.holds(for: target, given: given) }.map(\.note)
      let withheld = withholdings.withheld(for: target, given: given)
      if let place = rounds.firstIndex(where: { $0.withheld == withheld }) {
        rounds[place].targets.append(target)
      } else {
        rounds.append(Round(targets: [target], withheld: withheld))
      }
    }
    return (rounds, notes)
  }
}
