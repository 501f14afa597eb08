import Files
import Foundation

extension String {
  /// The same words with files told from these folders: what one machine says of a data set, every other says of its copy.
  func relative(to folders: [String]) -> String {
    let starts = folders.flatMap { folder in
      [Path.resolved(folder), folder].compactMap { $0.map { Path.withoutEnd($0) + "/" } }
    }
    // The longest first: one may lie within another.
    return Set(starts).sorted { ($0.count, $0) > ($1.count, $1) }.reduce(self) { words, start in
      guard start != "//" else { return words }
      var (result, rest) = ("", words[...])
      while let place = rest.range(of: start) {
        // Within another path it is that path's.
        let before = (result + rest[..<place.lowerBound]).last
        let begins = before.map { $0.isWhitespace || "(\"',".contains($0) } ?? true
        result += rest[..<(begins ? place.lowerBound : place.upperBound)]
        rest = rest[place.upperBound...]
      }
      return result + rest
    }
  }
}
