import Metrics

extension HTML {
  /// A table in a frame that scrolls sideways on a narrow screen; `Table` escapes its own texts.
  package init(_ table: Table) {
    self = HTML("div", ["class": "scroll", "tabindex": "0"]) { HTML(escapedBy: table) }
  }

  /// A two-column list of names and values.
  package init(facts: [(name: String, value: String)]) {
    self = HTML("dl", ["class": "facts"]) {
      for fact in facts {
        HTML("div") {
          HTML("dt") { fact.name }
          HTML("dd") { fact.value }
        }
      }
    }
  }
}
