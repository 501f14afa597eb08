extension Table {
  /// Models or conditions as rows, measures as columns, mean ± standard deviation over subjects; what was left out is
  /// counted behind the caption.
  public init<M: Measure>(
    _ title: String, caption: String, comparing models: [ModelFigures<M>], measures: [M] = Array(M.allCases)
  ) {
    // What nobody has, as invented lesions of a contrast that shows none, is no column.
    let measures = Table.known(measures, of: models)
    self.init(title, caption: caption, columns: [Column("Model")] + measures.map { Column($0) })
    for model in models {
      append([.text(model.name)] + measures.map { Cell(model.overSubjects($0), of: $0) })
    }
    self.caption += models.flatMap { model in
      measures.map {
        Table.leftOut(model.overSubjects($0), of: model.subjects.count, "\(model.name), \($0.heading)")
      }
    }.joined()
  }

  /// Every subject of every model; plain names and units, for other programs.
  public init<M: Measure>(subjectsOf models: [ModelFigures<M>]) {
    let measures = Table.known(Array(M.allCases), of: models)
    self.init(
      "Subjects",
      columns: [Column("model"), Column("subject")] + measures.map { Column($0.rawValue, decimals: 6) },
      rows: models.flatMap { model in
        model.subjects.map { subject in
          [.text(model.name), .text(subject.subject)] + measures.map { Cell(subject.values[$0]) }
        }
      })
  }

  /// Those of the measures that some subject of some model has.
  private static func known<M: Measure>(_ measures: [M], of models: [ModelFigures<M>]) -> [M] {
    measures.filter { measure in models.contains { $0.subjects.contains { $0.values[measure] != nil } } }
  }

  /// How one model differs from others, person by person; positive where it has the larger figure.
  public init<M: Measure>(
    _ title: String, differencesOf model: ModelFigures<M>, from others: [ModelFigures<M>], measures: [M]
  ) {
    self.init(
      title, differencesOf: model.name,
      rows: others.flatMap { other in
        measures.compactMap { measure in
          model.compared(with: other, measure).map { (other.name, measure, $0) }
        }
      }, unit: "their figures")
  }

  /// `3 subjects`, or `2 to 3 subjects` where models were scored on different numbers of them.
  static func subjects(_ counts: [Int]) -> String {
    let counts = Set(counts).sorted()
    return counts.count == 1
      ? counted(counts[0], "subject") : counts.map(String.init).joined(separator: " to ") + " subjects"
  }

  /// A sentence that counts the subjects whose reference reaches the border of the chosen slices, of the model with most of
  /// them; empty where there is none.
  static func cut(_ models: [[Bool?]], _ what: String) -> String {
    let most = models.map { $0.count { $0 == true } }.max() ?? 0
    return most == 0
      ? ""
      : " Cut by the slice rule, its \(what) touching the first or the last of them: \(counted(most, "subject"))."
  }

  /// A sentence for each kind of subject that a mean leaves out; empty where it has all.
  static func leftOut(_ spread: Spread, of subjects: Int, _ what: String) -> String {
    let missing = subjects - spread.count - spread.infinite - spread.undefined
    return [(spread.infinite, "an infinite"), (spread.undefined, "an undefined"), (missing, "no")]
      .filter { $0.0 > 0 }.map { " \(what): \(counted($0.0, "subject")) with \($0.1) figure left out." }
      .joined()
  }
}
