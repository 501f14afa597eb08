/// How one format of print says things.
struct TableMarkup: Sendable {
  /// Escapes a text so that it appears as it is.
  var text: @Sendable (String) -> String
  var strong: @Sendable (String) -> String
  var plusMinus = " ± ", infinity = "∞", minus = "−"
  /// What stands for a cell without a figure.
  var nothing = "–"
  var larger = "↑", smaller = "↓"

  private func number(_ value: Double, _ decimals: Int) -> String {
    if value.isNaN { return nothing }
    if value.isInfinite { return (value < 0 ? minus : "") + infinity }
    let digits = fixed(value, decimals)
    return digits.hasPrefix("-") ? minus + digits.dropFirst() : digits
  }

  func cell(_ cell: Table.Cell, _ column: Table.Column, best: Bool) -> String {
    let decimals = column.decimals
    func marked(_ text: String) -> String { best ? strong(text) : text }
    switch cell {
    case .text(let text): return self.text(text.onOneLine)
    case .number(let value):
      return column.isNeverZero ? text(probability(value, decimals)) : marked(number(value, decimals))
    case .spread(let mean, let deviation), .partial(let mean, let deviation):
      let figure = marked(number(mean, decimals))
      guard let deviation, deviation.isFinite else { return figure }
      return figure + plusMinus + number(deviation, decimals)
    case .empty: return nothing
    }
  }

  /// - Parameter full: with the column's group, where that does not stand above.
  func heading(_ column: Table.Column, full: Bool = false) -> String {
    let arrow = column.best.map { " " + ($0 == .largest ? larger : smaller) } ?? ""
    return text((full ? column.fullHeading : column.heading).onOneLine) + arrow
  }

  /// Every cell as print, row by row.
  func body(of table: Table) -> [[String]] {
    let best = table.columns.indices.map { table.best($0) }
    return table.rows.enumerated().map { row, cells in
      cells.enumerated().map { column, cell in
        self.cell(cell, table.columns[column], best: best[column][row])
      }
    }
  }

  /// Escapes scalar by scalar: an accent that follows `<` makes one character of both, and would hide it.
  static func escaping(_ table: [Unicode.Scalar: String]) -> @Sendable (String) -> String {
    { text in text.unicodeScalars.reduce(into: "") { $0 += table[$1] ?? String($1) } }
  }

  static let markdown = TableMarkup(
    text: escaping(Dictionary(uniqueKeysWithValues: "\\|*_`<>[]~&$".unicodeScalars.map { ($0, "\\\($0)") })),
    strong: { "**\($0)**" })

  // Brackets and stars stand in braces: at the start of a row they would be arguments of the `\\` before it.
  static let latex = TableMarkup(
    text: escaping([
      "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
      "[": "{[}", "]": "{]}", "*": "{*}",
      "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\\": "\\textbackslash{}", "<": "\\textless{}",
      ">": "\\textgreater{}", "|": "\\textbar{}", "\"": "{\\ttfamily\\char34}", "×": "$\\times$",
      "±": "$\\pm$",
      "−": "$-$", "–": "--", "→": "$\\rightarrow$", "↑": "$\\uparrow$", "↓": "$\\downarrow$",
      "∞": "$\\infty$",
      "²": "$^2$", "Δ": "$\\Delta$",
    ]),
    strong: { "\\textbf{\($0)}" }, plusMinus: " $\\pm$ ", infinity: "$\\infty$", minus: "$-$", nothing: "--",
    larger: "$\\uparrow$", smaller: "$\\downarrow$")

  static let html = TableMarkup(text: { $0.escapedForHTML }, strong: { "<strong>\($0)</strong>" })
}

extension String {
  /// As a text or an attribute's value in HTML and XML.
  package var escapedForHTML: String {
    var result = ""
    result.reserveCapacity(utf8.count)
    // Scalar by scalar: a combining accent after `<` would make one character of both, and hide it.
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      default:
        // Other control characters are not allowed there at all.
        result.unicodeScalars.append(scalar.value < 32 || scalar.value == 127 ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }
}

extension Table {
  /// A text as it is, on one line, in Markdown.
  package static func markdown(_ text: String) -> String { TableMarkup.markdown.text(text.onOneLine) }

  /// GitHub's Markdown with its columns aligned in the source; the best of a column is bold.
  var markdown: String {
    let markup = TableMarkup.markdown
    let numeric = columns.indices.map { isNumeric($0) }
    let lines = [columns.map { markup.heading($0, full: true) }] + markup.body(of: self)
    let widths = columns.indices.map { i in max(3, lines.map { $0[i].count }.max() ?? 0) }
    func pad(_ text: String, _ column: Int) -> String {
      let space = String(repeating: " ", count: widths[column] - text.count)
      return numeric[column] ? space + text : text + space
    }
    func line(_ cells: [String]) -> String {
      "| " + cells.enumerated().map { pad($1, $0) }.joined(separator: " | ") + " |\n"
    }
    let rule = columns.indices.map { i in
      String(repeating: "-", count: widths[i] - (numeric[i] ? 1 : 0)) + (numeric[i] ? ":" : "")
    }
    var text = title.isEmpty ? "" : "**\(markup.text(title.onOneLine))**\n\n"
    text += line(lines[0]) + line(rule)
    for cells in lines.dropFirst() { text += line(cells) }
    if !caption.isEmpty { text += "\n\(markup.text(caption.onOneLine))\n" }
    return text
  }

  /// A `table` environment with booktabs' rules.
  var latex: String {
    let markup = TableMarkup.latex
    let alignment = columns.indices.map { isNumeric($0) ? "r" : "l" }.joined()
    func line(_ cells: [String]) -> String { "    " + cells.joined(separator: " & ") + " \\\\\n" }
    let legend = [title, caption].filter { !$0.isEmpty }.map { markup.text($0.onOneLine) }
    var text = "\\begin{table}[htbp]\n  \\centering\n"
    if !legend.isEmpty {
      let separator = title.hasSuffix(".") ? " " : ". "
      text += "  \\caption{\(legend.joined(separator: separator))}\n"
    }
    text += "  \\begin{tabular}{\(alignment)}\n    \\toprule\n"
    let groups = groups
    if groups.contains(where: { $0.title != nil }) {
      text += line(
        groups.map { title, range in
          title.map { "\\multicolumn{\(range.count)}{c}{\(markup.text($0.onOneLine))}" } ?? ""
        })
      let spans = groups.filter { $0.title != nil }.map(\.columns)
      text += "    "
      text += spans.map { "\\cmidrule(lr){\($0.lowerBound + 1)-\($0.upperBound)}" }.joined(separator: " ")
      text += "\n"
    }
    text += line(columns.map { markup.heading($0) }) + "    \\midrule\n"
    for (row, cells) in markup.body(of: self).enumerated() {
      text += (rules.contains(row) ? "    \\midrule\n" : "") + line(cells)
    }
    return text + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
  }

  /// A `<table>` to put into a page; figures carry the class `number`, the best of a column also `best`.
  var html: String {
    let markup = TableMarkup.html
    let numeric = columns.indices.map { isNumeric($0) }
    let best = columns.indices.map { self.best($0) }
    var text = "<table class=\"scores\">\n"
    if !title.isEmpty || !caption.isEmpty {
      let legend = [markup.text(title.onOneLine), markup.text(caption.onOneLine)]
      text += "  <caption>\(title.isEmpty ? "" : markup.strong(legend[0]) + (caption.isEmpty ? "" : " "))"
      text += "\(legend[1])</caption>\n"
    }
    text += "  <thead>\n"
    let groups = groups
    if groups.contains(where: { $0.title != nil }) {
      text += "    <tr class=\"groups\">"
      for (title, range) in groups {
        let name = title.map { markup.text($0.onOneLine) } ?? ""
        text += "<th scope=\"colgroup\" colspan=\"\(range.count)\">\(name)</th>"
      }
      text += "</tr>\n"
    }
    text += "    <tr>"
    for (i, column) in columns.enumerated() {
      text += "<th scope=\"col\"\(numeric[i] ? " class=\"number\"" : "")>\(markup.heading(column))</th>"
    }
    text += "</tr>\n  </thead>\n  <tbody>\n"
    for (row, cells) in markup.body(of: self).enumerated() {
      text += rules.contains(row) ? "    <tr class=\"rule\">" : "    <tr>"
      for (i, cell) in cells.enumerated() {
        let kind = numeric[i] ? " class=\"number\(best[i][row] ? " best" : "")\"" : ""
        text += "<td\(kind)>\(cell)</td>"
      }
      text += "</tr>\n"
    }
    return text + "  </tbody>\n</table>\n"
  }
}
