import Foundation
import Metrics
import Testing

@Suite struct TableTests {
  private let table = Table(
    "A & B_1", caption: "50 % <of> {all}",
    columns: [
      Table.Column("Model"), Table.Column("PSNR (dB)", best: .largest),
      Table.Column("MAE (×100)", decimals: 3, best: .smallest),
    ],
    rows: [
      [.text("AGI-Net, \"8\""), .spread(mean: 31.204, deviation: 1.5), .number(1.5)],
      [.text("a|b_c"), .spread(mean: 31.196, deviation: nil), .number(-0.0001)],
      [.text("copy\nof T2"), .number(.infinity), .number(.nan)], [.text(""), .empty, .empty],
    ])

  @Test func csvFollowsRFC4180() {
    let expected =
      "Model,PSNR (dB) mean,PSNR (dB) sd,MAE (×100)\r\n" + "\"AGI-Net, \"\"8\"\"\",31.204,1.5,1.5\r\n"
      + "a|b_c,31.196,,-0.0001\r\n" + "\"copy\nof T2\",inf,,nan\r\n" + ",,,\r\n"
    #expect(table.written(as: .csv) == expected)
  }

  @Test func markdownIsAlignedEscapedAndMarksEqualFiguresAlike() {
    let lines = table.written(as: .markdown).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == #"**A \& B\_1**"#)
    #expect(lines[2] == "| Model        |      PSNR (dB) ↑ | MAE (×100) ↓ |")
    #expect(lines[3] == "| ------------ | ---------------: | -----------: |")
    #expect(lines[4] == "| AGI-Net, \"8\" | **31.20** ± 1.50 |        1.500 |")
    #expect(lines[5] == #"| a\|b\_c      |        **31.20** |    **0.000** |"#)
    #expect(lines[6] == "| copy of T2   |                ∞ |            – |")
    #expect(lines[7] == "|              |                – |            – |")
    #expect(lines[9] == #"50 % \<of\> {all}"#)
  }

  /// A probability is never nought, in print; files for programs have every digit.
  @Test func probabilitiesAreNeverNought() {
    let values = [0.0000305, 0.0001, 0.0313, 1, 0]
    let table = Table("", columns: [.probability("p")], rows: values.map { [.number($0)] })
    let lines = table.written(as: .markdown).split(separator: "\n").dropFirst(2)
    let expected = ["\\< 0.0001", "0.0001", "0.0313", "1.0000", "0.0000"]
    #expect(lines.map { $0.filter { !"| ".contains($0) } } == expected.map { $0.filter { $0 != " " } })
    #expect(table.written(as: .latex).contains("\\textless{} 0.0001"))
    #expect(table.written(as: .html).contains("&lt; 0.0001"))
    #expect(table.written(as: .csv).contains("3.05e-05") || table.written(as: .csv).contains("0.0000305"))
    #expect(!table.written(as: .json).contains("isNeverZero"))
  }

  /// What is no rival is not the best, and keeps nobody else from being that.
  @Test func rowsWithoutRankAreNeverMarked() throws {
    var table = Table(
      "", columns: [Table.Column("m"), Table.Column("x", decimals: 1, best: .largest)],
      rows: [9, 5, 3].map { [.text("\($0)"), .number($0)] })
    #expect(table.written(as: .markdown).contains("**9.0**"))
    table.unranked = [0]
    let text = table.written(as: .markdown)
    #expect(!text.contains("**9.0**") && text.contains("9.0") && text.contains("**5.0**"))
    #expect(table.written(as: .html).contains("<td class=\"number\">9.0</td>"))
    #expect(table.written(as: .json).contains("unranked"))
    table.unranked = [0, 1]
    #expect(!table.written(as: .markdown).contains("**"))
  }

  @Test func latexIsEscapedAndMeansAreBold() {
    let text = table.written(as: .latex)
    #expect(text.contains(#"\caption{A \& B\_1. 50 \% \textless{}of\textgreater{} \{all\}}"#))
    #expect(text.contains(#"\begin{tabular}{lrr}"#) && text.contains(#"MAE ($\times$100) $\downarrow$"#))
    #expect(
      text.contains(#"AGI-Net, {\ttfamily\char34}8{\ttfamily\char34} & \textbf{31.20} $\pm$ 1.50 & 1.500 \\"#)
    )
    #expect(text.contains(#"copy of T2 & $\infty$ & -- \\"#))
    let brackets = Table("", columns: [Table.Column("m")], rows: [[.text("[T1]*")]])
    #expect(brackets.written(as: .latex).contains("{[}T1{]}{*}"))
    for rule in ["toprule", "midrule", "bottomrule", "end{table}"] { #expect(text.contains("\\" + rule)) }
  }

  @Test func htmlCannotBeInjected() {
    var bad = table
    bad.append([.text("<script>alert('x')</script>"), .text("<\u{301}img>"), .empty])
    let text = bad.written(as: .html)
    #expect(text.contains("&lt;\u{301}img&gt;"))
    #expect(!text.contains("<script") && text.contains("&lt;script&gt;alert(&#39;x&#39;)"))
    #expect(text.contains("<strong>A &amp; B_1</strong> 50 % &lt;of&gt; {all}"))
    #expect(table.written(as: .html).contains("<td class=\"number best\"><strong>31.20</strong> ± 1.50</td>"))
    #expect(text.components(separatedBy: "<tr>").count == text.components(separatedBy: "</tr>").count)
  }

  @Test func jsonHoldsEveryFigure() throws {
    let text = table.written(as: .json)
    #expect(text.contains(#""mean" : "inf""#) && text.contains(#""mean" : "nan""#))
    let tree = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(tree["title"] as? String == table.title && tree["caption"] as? String == table.caption)
    let columns = try #require(tree["columns"] as? [[String: Any]])
    #expect(columns.map { $0["heading"] as? String } == table.columns.map(\.heading))
    #expect(columns.map { $0["best"] as? String } == [nil, "largest", "smallest"])
    let rows = try #require(tree["rows"] as? [[Any]])
    #expect(rows.count == 4 && rows.allSatisfy { $0.count == 3 })
    #expect(rows[0][0] as? String == "AGI-Net, \"8\"" && rows[0][2] as? Double == 1.5)
    #expect(rows[0][1] as? [String: Double] == ["mean": 31.204, "sd": 1.5])
    #expect((rows[1][1] as? [String: Any])?["sd"] is NSNull && rows[1][2] as? Double == -0.0001)
    #expect(rows[3][1] is NSNull)
  }

  /// Columns of one scenario stand under its name; a line parts the baselines from the models.
  @Test func groupsOfColumnsAndRulesOverRows() throws {
    var table = Table(
      "t",
      columns: [
        Table.Column("Model"), Table.Column("PSNR", group: "A & B"), Table.Column("SSIM", group: "A & B"),
        Table.Column("PSNR", group: "C"), Table.Column("Cost"),
      ],
      rows: [
        [.text("net"), .number(1), .number(2), .number(3), .number(4)],
        [.text("copy"), .number(1), .number(2), .number(3), .empty],
      ])
    table.rules = [1]
    let latex = table.written(as: .latex)
    #expect(
      latex.contains(
        """
            \\toprule
             & \\multicolumn{2}{c}{A \\& B} & \\multicolumn{1}{c}{C} &  \\\\
            \\cmidrule(lr){2-3} \\cmidrule(lr){4-4}
            Model & PSNR & SSIM & PSNR & Cost \\\\

        """), "\(latex)")
    #expect(latex.contains("    \\midrule\n    copy &"))
    let html = table.written(as: .html)
    #expect(html.contains("<th scope=\"colgroup\" colspan=\"2\">A &amp; B</th>"))
    #expect(html.contains("<tr class=\"rule\"><td>copy</td>"))
    #expect(table.written(as: .csv).hasPrefix("Model,A & B: PSNR,A & B: SSIM,C: PSNR,Cost\r\n"))
    #expect(table.written(as: .markdown).contains("| A \\& B: PSNR |"))
    let tree = try JSONSerialization.jsonObject(with: Data(table.written(as: .json).utf8)) as? [String: Any]
    let groups = (tree?["columns"] as? [[String: Any]])?.map { $0["group"] as? String }
    #expect(groups == [nil, "A & B", "A & B", "C", nil] && tree?["rules"] as? [Int] == [1])
    // Plain tables say nothing of either.
    table.rules = []
    #expect(!table.written(as: .json).contains("rules"))
    #expect(
      !self.table.written(as: .json).contains("group") && !self.table.written(as: .html).contains("groups"))
  }

  @Test func negativesAndLonelyFigures() {
    let one = Table(
      "", columns: [Table.Column("x", decimals: 1, best: .largest)],
      rows: [[.number(-1.25)], [.number(-.infinity)]])
    let lines = one.written(as: .markdown).split(separator: "\n")
    #expect(lines[2] == "|  −1.2 |" || lines[2] == "| −1.2 |")
    #expect(lines[3].contains("−∞") && !one.written(as: .markdown).contains("**"))
    #expect(one.written(as: .latex).contains("$-$1.2") && !one.written(as: .latex).contains("caption"))
  }

  @Test func modelsAreComparedInThePapersUnits() {
    func scores(_ name: String, _ rows: [(Double, Double, Double)]) -> Scores {
      Scores(
        name: name,
        slices: rows.enumerated().map { i, row in
          var values = MetricValues()
          (values[.psnr], values[.ssim], values[.mae]) = (row.0, row.1, row.2)
          return SliceScores(subject: "s\(i % 2)", slice: i, values: values, clampedShare: 0.01)
        })
    }
    let models = [
      scores("AGI-Net", [(30, 0.9, 0.01), (32, 0.92, 0.02), (.infinity, 1, 0)]),
      scores("copy of T2", [(20, 0.7, 0.1), (22, 0.8, 0.1), (21, 0.75, 0.1)]),
    ]
    let table = Table("Test split", comparing: models)
    #expect(table.columns.map(\.heading) == ["Model", "PSNR (dB)", "SSIM (%)", "MAE (×100)"])
    let text = table.written(as: .markdown)
    #expect(
      text.contains("**31.00** ± 1.41") && text.contains("**94.00** ± 5.29") && text.contains("**1.000**"))
    #expect(text.contains("over 3 slices of 2 subjects") && text.contains("torchmetrics"))
    #expect(text.contains("AGI-Net: 1 slice of infinite psnr left out"))
    #expect(text.contains("1.00 % of pixels"))
    let bySubject = Table("", comparing: models, overSubjects: true)
    #expect(bySubject.rows[1][1] == .spread(mean: 21.25, deviation: 1.5 / 2.0.squareRoot()))

    let slices = Table(slicesOf: models).written(as: .csv).split(separator: "\r\n")
    #expect(slices[0] == "model,subject,slice,psnr,ssim,mae,clamped_share,empty_target")
    #expect(slices[3] == "AGI-Net,s0,2,inf,1.0,0.0,0.01,0" && slices.count == 7)
    let subjects = Table(subjectsOf: models).written(as: .csv).split(separator: "\r\n")
    #expect(subjects[1] == "AGI-Net,s0,2,30.0,0.95,0.005" && subjects.count == 5)
    let differences = Table("", differencesOf: models[0], from: [models[1]], metrics: [.psnr])
    // The slice of infinite PSNR counts for neither: 30 - 20 and 32 - 22.
    #expect(differences.rows[0][2] == .number(10) && differences.rows[0][6] == .number(2))
    // Two people have a difference, but no interval and no p.
    #expect(differences.rows[0][3...5].allSatisfy { $0 == .empty })
    #expect(differences.caption.contains("fewer than 6 people") && text.contains("too few people (2)"))
    let many = (0..<2).map { model in
      Scores(
        name: "m\(model)",
        slices: (0..<6).map { place in
          var values = MetricValues()
          values[.psnr] = Double(20 + place * (1 + model))
          return SliceScores(subject: "s\(place)", slice: 0, values: values)
        })
    }
    let sure = Table("", differencesOf: many[1], from: [many[0]], metrics: [.psnr])
    #expect(sure.rows[0][2] == .number(2.5) && sure.rows[0][6] == .number(6))
    #expect(sure.rows[0][3...5].allSatisfy { $0 != .empty })
    #expect(!Table("", comparing: many).caption.contains("too few people"))
  }
}
