import Metrics

/// A piece of a page. Text is escaped by construction: markup comes from element names in the source code alone.
package struct HTML: Sendable, Equatable {
  /// The markup as it is written into the file.
  package private(set) var source: String

  private init(source: String) { self.source = source }

  package static let empty = HTML(source: "")

  /// Text as it is, whatever it holds.
  package init(text: String) { source = text.escapedForHTML }

  /// An element; an attribute without a value is left out.
  package init(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
    @HTMLBuilder _ content: () throws -> HTML
  ) rethrows {
    self.init(name, attributes, around: try content())
  }

  /// An element with nothing in it.
  package init(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:]) {
    self.init(name, attributes, around: .empty)
  }

  private init(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>, around content: HTML
  ) {
    var text = "<\(name)"
    for (key, value) in attributes {
      if let value { text += " \(key)=\"\(value.escapedForHTML)\"" }
    }
    text += ">"
    // Void elements have no end tag.
    if !["br", "hr", "img", "meta"].contains("\(name)") { text += content.source + "</\(name)>" }
    source = text
  }

  /// Style sheets and the like, which are part of the program.
  package init(trusted: StaticString) { source = "\(trusted)" }

  /// A table's own markup, whose texts it escapes itself.
  package init(escapedBy table: Table) { source = table.written(as: .html) }

  package static func + (a: HTML, b: HTML) -> HTML { HTML(source: a.source + b.source) }
  package static func += (a: inout HTML, b: HTML) { a.source += b.source }

  /// One piece after another.
  package init(_ pieces: [HTML]) { source = pieces.map(\.source).joined() }
}

/// Lets pages be written as a list of elements and texts, with `if` and `for`.
@resultBuilder
package enum HTMLBuilder {
  package static func buildExpression(_ piece: HTML) -> HTML { piece }
  package static func buildExpression(_ text: String) -> HTML { HTML(text: text) }
  package static func buildExpression(_ pieces: [HTML]) -> HTML { HTML(pieces) }
  package static func buildBlock(_ pieces: HTML...) -> HTML { HTML(pieces) }
  package static func buildOptional(_ piece: HTML?) -> HTML { piece ?? .empty }
  package static func buildEither(first piece: HTML) -> HTML { piece }
  package static func buildEither(second piece: HTML) -> HTML { piece }
  package static func buildArray(_ pieces: [HTML]) -> HTML { HTML(pieces) }
}
