import Files
import Foundation

/// The forms a table is written in.
public enum TableFormat: String, Sendable, Codable, CaseIterable {
  case csv, json, markdown, latex, html

  /// Extension of a file in this form.
  public var fileExtension: String {
    switch self {
    case .markdown: "md"
    case .latex: "tex"
    default: rawValue
    }
  }
}

extension Table {
  /// The table as text. HTML is a fragment, LaTeX needs the package booktabs.
  public func written(as format: TableFormat) -> String {
    switch format {
    case .csv: csv
    case .json: json
    case .markdown: markdown
    case .latex: latex
    case .html: html
    }
  }

  /// RFC 4180: a line of headings, CRLF, every digit; a column of means is followed by one of deviations.
  ///
  /// Title and caption have no place in it.
  var csv: String {
    let spread = columns.indices.map { hasSpread($0) }
    let headings = columns.indices.flatMap { i in
      (spread[i] ? [" mean", " sd"] : [""]).map { (columns[i].fullHeading + $0).quotedForCSV }
    }
    let lines = rows.map { row in
      row.indices.flatMap { i -> [String] in
        let rest = spread[i] ? [""] : []
        return switch row[i] {
        case .text(let text): [text.quotedForCSV] + rest
        case .number(let value): [Figure(value).text] + rest
        case .spread(let mean, let deviation), .partial(let mean, let deviation):
          [Figure(mean).text, deviation.map { Figure($0).text } ?? ""]
        case .empty: [""] + rest
        }
      }
    }
    return ([headings] + lines).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// The value itself, with keys in a fixed order.
  var json: String {
    // Nothing in a table can fail to encode: numbers that JSON does not know are strings.
    ((try? json()) ?? "null") + "\n"
  }
}

/// A number with so many digits after the point; never a negative zero.
func fixed(_ value: Double, _ decimals: Int) -> String {
  let text = String(format: "%.*f", decimals, value)
  return text.hasPrefix("-") && !text.contains { $0.isNumber && $0 != "0" } ? String(text.dropFirst()) : text
}

/// A probability with so many digits after the point: `0.0313`, `< 0.0001`; it never is 0.
package func probability(_ value: Double, _ decimals: Int) -> String {
  let least = pow(10, -Double(decimals))
  return value > 0 && value < least ? "< " + fixed(least, decimals) : fixed(value, decimals)
}

/// A number with the digits it needs: `10`, `0.5`.
func short(_ value: Double) -> String { String(format: "%g", value) }

extension String {
  /// On one line: line breaks, tabs and control characters become spaces.
  var onOneLine: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }
}
