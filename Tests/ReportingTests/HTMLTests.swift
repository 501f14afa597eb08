import Metrics
import Reporting
import Testing

@Suite struct HTMLTests {
  @Test func textIsEscapedInContentAndAttributes() {
    let hostile = "<script>alert(\"1\" & '2')</script>"
    let page = HTML("p", ["title": hostile]) { hostile }
    let escaped = "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"
    #expect(page.source == "<p title=\"\(escaped)\">\(escaped)</p>")
  }

  @Test func anAccentDoesNotHideABracket() {
    #expect(!HTML(text: "<\u{301}b>").source.contains("<"))
  }

  @Test func controlCharactersBecomeVisible() {
    #expect(HTML(text: "a\u{0}b\u{1B}c\n").source == "a\u{FFFD}b\u{FFFD}c\n")
  }

  @Test func voidElementsAndMissingAttributes() {
    #expect(HTML("img", ["alt": "x", "title": nil]).source == "<img alt=\"x\">")
    #expect(HTML("i").source == "<i></i>")
  }

  @Test func tablesEscapeThemselves() {
    let table = Table("<a>", columns: [Table.Column("b")], rows: [[.text("<c>")]])
    let source = HTML(table).source
    #expect(source.contains("&lt;a&gt;") && source.contains("&lt;c&gt;") && !source.contains("<c>"))
  }
}
