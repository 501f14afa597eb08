import Foundation

/// When a run was trained and for how long, as its TensorBoard files tell: the log itself holds no times.
package struct TrainingTime: Sendable, Equatable {
  /// Start of the first part, seconds since 1970.
  package var start: Double
  /// Seconds from the first to the last record, summed over the parts of a run that was resumed.
  package var seconds: Double

  /// Nothing where the folder has no event files.
  package init?(folder: String) {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasPrefix("events.out.tfevents.") }.sorted()
    let parts = names.compactMap { name in
      FileManager.default.contents(atPath: folder + "/" + name).map { TrainingTime.times(in: [UInt8]($0)) }
    }.filter { !$0.isEmpty }
    guard let start = parts.compactMap(\.first).min() else { return nil }
    self.start = start
    seconds = parts.reduce(0) { $0 + max(0, ($1.last ?? 0) - ($1.first ?? 0)) }
  }

  /// The wall time of every record: field 1 of an Event, which comes first.
  package static func times(in bytes: [UInt8]) -> [Double] {
    func word(_ place: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * UInt64($1)) }
    }
    var times: [Double] = []
    var place = 0
    // Length, its checksum, the record, its checksum.
    while place + 12 <= bytes.count {
      guard let length = Int(exactly: word(place)), length <= bytes.count - place - 12 else { break }
      if length >= 9, bytes[place + 12] == 0x09 { times.append(Double(bitPattern: word(place + 13))) }
      place += length + 16
    }
    return times.filter(\.isFinite)
  }

  /// `2026-11-22 18:40 UTC, 3 min 12 s`
  package var description: String {
    let day = Date(timeIntervalSince1970: start).formatted(
      .iso8601.year().month().day().dateSeparator(.dash).time(includingFractionalSeconds: false)
        .timeSeparator(.colon).dateTimeSeparator(.space))
    return "\(day.prefix(16)) UTC, \(TrainingTime.span(seconds))"
  }

  package static func span(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole / 60 % 60) min"
  }
}
