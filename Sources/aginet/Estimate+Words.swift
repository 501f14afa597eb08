import Experiments
import Files
import Foundation
import Inference
import Runs
import Torch

extension Estimate {
  /// `1.84 GiB at most: 0.31 GiB for the program, 0.02 GiB for images, 1.51 GiB for a batch of 2 patches`
  var memoryWords: String {
    guard let memory, let program, let batch else { return "not told by this system" }
    func words(_ bytes: Int) -> String { Estimate.gibibytes(Double(bytes)) }
    return
      "\(words(memory)) at most\(Estimate.each(of: processes)): \(words(program)) for the program, \(words(images)) for images, "
      + "\(words(batch)) for a batch of \(batchSize) \(samples)"
  }

  /// `about 3:20 for 12 batches of 2 slices, 16.7 s each; 6 of them to verify; up to 6 more (1:40) where scans look exchanged`
  var timeWords: String {
    let each = String(format: "%.3g s", batchSeconds)
    return
      "about \(ProgressBar.clock(seconds)) for \(batches) batches of \(batchSize) \(samples)"
      + "\(Estimate.each(of: processes)), \(each) each"
      + (verifying > 0 ? "; \(verifying) of them to verify" : "")
      + (exchanging > 0
        ? "; up to \(exchanging) more (\(ProgressBar.clock(Double(exchanging) * batchSeconds))) where scans look exchanged"
        : "")
  }

  /// Prints it as lines, or as JSON.
  func print(asJSON: Bool, on device: Device) throws {
    Estimate.remark(isTooLarge: isTooLarge, on: device)
    if asJSON { return try Console.result(json(pretty: true)) }
    try Console.result(
      [("memory", memoryWords)] + Estimate.row(ofLimit: limit, limitOrigin) + [("time", timeWords)])
  }

  fileprivate static func remark(isTooLarge: Bool, on device: Device) {
    if device != .cpu {
      Console.note("note: memory is the computer's own; what the GPU takes is not told")
    }
    if isTooLarge { Console.note("warning: that is more memory than there is") }
  }

  /// ` in each of 2 processes`
  fileprivate static func each(of processes: Int?) -> String {
    processes.map { " in each of \($0) processes" } ?? ""
  }

  fileprivate static func row(ofLimit limit: Int?, _ origin: String?) -> [(String, String)] {
    guard let limit, let origin else { return [] }
    return [("of", "\(gibibytes(Double(limit))) (\(origin))")]
  }
}

extension CompletionEstimate {
  /// Prints it as lines, or as JSON.
  func print(asJSON: Bool, on device: Device) throws {
    Estimate.remark(isTooLarge: isTooLarge, on: device)
    for (person, why) in hindered.sorted(by: { $0.key < $1.key }) {
      Console.note("\(person) cannot be completed: \(why)")
    }
    if asJSON { return try Console.result(json(pretty: true)) }
    var work = ["\(images) image\(images == 1 ? "" : "s") of \(people.people) to compute"]
    for (count, one, several) in [
      (kept, "has theirs already", "have theirs already"), (whole, "lacks nothing", "lack nothing"),
      (hindered.count, "cannot be completed", "cannot be completed"),
    ] where count > 0 {
      work.append("\(count) \(count == 1 ? one : several)")
    }
    guard people > 0 else { return try Console.result([("work", work.joined(separator: "; "))]) }
    let bytes = memory.map {
      "\(Estimate.gibibytes(Double($0))) at most\(Estimate.each(of: processes)), \(jobs) at a time"
    }
    try Console.result(
      [("work", work.joined(separator: "; ")), ("memory", bytes ?? "not told by this system")]
        + Estimate.row(ofLimit: limit, limitOrigin)
        + [("time", "about \(ProgressBar.clock(seconds)) in the networks")])
  }
}

extension Console {
  /// Prints what is said of each name, one line each.
  static func result(_ rows: [(name: String, text: String)]) throws {
    let width = rows.map(\.name.count).max() ?? 0
    let lines = rows.map { $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.text }
    try result(lines.joined(separator: "\n"))
  }
}
