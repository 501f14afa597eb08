import Experiments
import Files

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

  /// A section that the page's list of contents leads to.
  package static func section(_ id: String, _ title: String, @HTMLBuilder _ content: () throws -> HTML)
    rethrows
    -> HTML
  {
    try HTML("section", ["id": id]) {
      HTML("h2") { title }
      try content()
    }
  }
}
