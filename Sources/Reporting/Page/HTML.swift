import Files
import Foundation
import Metrics

/// A piece of a page. Text is escaped by construction: markup comes from element names in the source code alone,
/// or from what is decoded, which was made so before.
package struct HTML: Sendable, Equatable, Codable {
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

  package init(_ pieces: [HTML]) { source = pieces.map(\.source).joined() }

  /// Pieces without an element around them.
  package init(@HTMLBuilder _ content: () throws -> HTML) rethrows { self = try content() }
}

extension HTML {
  /// A whole page in the house's style, as one file that opens without a network.
  package static func document(_ title: String, @HTMLBuilder _ body: () throws -> HTML) rethrows -> String {
    let page = try HTML("html", ["lang": "en"]) {
      HTML("head") {
        HTML("meta", ["charset": "utf-8"])
        HTML("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        HTML("meta", ["name": "generator", "content": "aginet \(Version.current)"])
        HTML("title") { title }
        HTML("style") { HTML(trusted: StyleSheet.css) }
      }
      try HTML("body") { try body() }
    }
    return "<!DOCTYPE html>\n" + page.source + "\n"
  }

  /// The top of a page, with its list of contents.
  static func header(
    _ title: String, _ subtitle: String, warning: String, facts: [(name: String, value: String)] = [],
    contents: [(id: String, title: String)]
  ) -> HTML {
    HTML("header") {
      HTML("h1") { title }
      HTML("p", ["class": "subtitle"]) { subtitle }
      HTML("p", ["class": "warning", "role": "note"]) { warning }
      if !facts.isEmpty { HTML(facts: facts) }
      HTML("nav", ["aria-label": "Contents"]) {
        for (id, title) in contents { HTML("a", ["href": "#\(id)"]) { title } }
      }
    }
  }

  /// A section that the page's list of contents leads to.
  package static func section(
    _ id: String, _ title: String, @HTMLBuilder _ content: () throws -> HTML
  ) rethrows -> HTML {
    try HTML("section", ["id": id]) {
      HTML("h2") { title }
      try content()
    }
  }

  /// A table in a frame that scrolls sideways on a narrow screen; `Table` escapes its own texts.
  package init(_ table: Table) {
    self = HTML("div", ["class": "scroll", "tabindex": "0"]) {
      HTML(source: table.written(as: .html))
    }
  }

  /// A picture within the page, with what lies over it.
  package init(
    png: [UInt8], aspect: Double, kind: String? = nil, _ description: String,
    @HTMLBuilder over content: () -> HTML
  ) {
    let source = "data:image/png;base64,\(Data(png).base64EncodedString())"
    self = HTML("div", ["class": "panel", "style": "aspect-ratio:\(coordinate(aspect))"]) {
      HTML("img", ["class": kind, "src": source, "alt": description])
      content()
    }
  }

  /// A two-column list of names and values.
  package init(facts: [(name: String, value: String)]) {
    self = HTML("dl", ["class": "facts"]) {
      for (name, value) in facts {
        HTML("div") {
          HTML("dt") { name }
          HTML("dd") { value }
        }
      }
    }
  }
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
