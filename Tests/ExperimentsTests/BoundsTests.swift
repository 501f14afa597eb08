import Experiments
import Failures
import Foundation
import PipelineSupport
import Testing

@Suite struct BoundsTests {
  /// The paths of an experiment's numbers: `width`, `ddpm.sampling.steps`.
  private static let numbers: [String] = {
    let json = (try? Experiment().json) ?? ""
    let tree = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    func collect(_ object: [String: Any], _ path: String) -> [String] {
      object.sorted { $0.key < $1.key }.flatMap { key, value -> [String] in
        if let inner = value as? [String: Any] { return collect(inner, "\(path)\(key).") }
        // True and false are numbers too, as JSON is read here.
        let isNumber = value is NSNumber && !["true", "false"].contains("\(value)")
        return isNumber && !key.lowercased().hasSuffix("seed") ? [path + key] : []
      }
    }
    return collect(tree ?? [:], "")
  }()

  /// No number ends otherwise than as a wrong command line, with one sentence that names it.
  @Test func everySettingHasBounds() throws {
    #expect(Self.numbers.count > 100, "\(Self.numbers)")
    for key in Self.numbers {
      for number in ["9223372036854775807", "-9223372036854775808", "1e308", "-1e308", "NaN", "1e999"] {
        // A rate of 1e19 is one that single precision holds; a run with it ends at once, with exit code 10.
        if key == "learningRate" && number == "9223372036854775807" { continue }
        let failure = try failure { _ = try Experiment(settings: ["\(key)=\(number)"]) }
        #expect(failure.kind == .usage, "\(key)=\(number): \(failure.kind) \(failure)")
        let last = key.split(separator: ".").last.map(String.init) ?? key
        #expect(failure.message.contains(last), "\(key)=\(number): \(failure)")
      }
    }
  }
}
