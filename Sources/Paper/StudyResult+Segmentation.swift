import Experiments
import Foundation
import Imaging
import Metrics
import Networks

// A table of what a segmentation finds with each row's contrast.

extension StudyResult {
  /// Of each row its scores over all seeds, a subject's figures being their means; nil where all of its runs failed.
  private var pooled: [SegmentationScores?] {
    zip(study.rows, segmentations).map { row, found in
      SegmentationScores(row.title, pooling: found.map(\.scores))
    }
  }

  func segmented(by experiment: Experiment) -> Table {
    let pooled = pooled
    let found = Table("", comparing: pooled.compactMap { $0 })
    var columns = found.columns
    // What was acquired is best by nature.
    for index in columns.indices { columns[index].best = nil }
    let images = StudyResult.images.map { measure in
      Table.Column(measure, group: "BraSyn protocol")
    }
    var table = Table(
      study.title, caption: caption(found.caption, by: experiment),
      columns: [Table.Column(study.heading)] + columns.dropFirst() + images)
    var scored = found.rows.makeIterator()
    var before = study.rows.first
    for (index, row) in study.rows.enumerated() {
      if let last = before,
        last.standing != row.standing || (last.input == .synthesised) != (row.input == .synthesised)
      {
        table.rules.insert(table.rows.count)
      }
      before = row
      let dice = pooled[index] == nil ? nil : scored.next()
      let figures = ModelFigures(row.title, pooling: segmentations[index].compactMap(\.images))
      table.append(
        [.text(row.title)] + (dice?.dropFirst() ?? columns.dropFirst().map { _ in .empty }[...])
          + StudyResult.images.map { measure in
            figures.map { Table.Cell($0.overSubjects(measure), of: measure) } ?? .empty
          })
    }
    return table
  }

  private static let images: [BraSynMeasure] = [.whole, .healthy, .tumour]

  // MARK: - In words

  private func caption(_ figures: String, by experiment: Experiment) -> String {
    var sentences = [
      study.caption,
      "Segmentation of \(experiment.regions?.words ?? "") from \(experiment.scenario.sources.titles): "
        + "\(experiment.networkTitle) of width \(experiment.network.width) on slices, \(experiment.iterations) iterations of "
        + "\(experiment.batchSize), rate \(experiment.learningRate).",
      figures,
    ]
    if seeds > 1 {
      sentences.append(
        "A subject's figure is its mean over \(seeds) runs of each experiment; a slice counts once for each of them."
      )
    }
    let drawn = zip(study.rows, segmentations).compactMap { row, found in
      found.lazy.compactMap(\.drawing).first.map { "\(row.title) by \($0)" }
    }
    if !drawn.isEmpty { sentences.append("Drawn: \(drawn.joined(separator: "; ")).") }
    sentences.append(
      "BraSyn protocol: 3-D SSIM of the slices that are segmented, both volumes clipped to their own 0.5 and 99.5 percentiles "
        + "and scaled to [0, 1], as they are, with the tumour set to 0, and with all but the tumour set to 0. \(BraSyn.caution)"
    )
    return (sentences + verdict + notes.map { $0.hasSuffix(".") ? $0 : $0 + "." }).joined(separator: " ")
  }

  /// Whether a synthesised contrast is of use to the segmentation, in sentences; nothing for other studies.
  public var verdict: [String] {
    let rows = zip(study.rows, pooled).compactMap { row, scores in scores.map { (row: row, scores: $0) } }
    guard let real = rows.first(where: { $0.row.input == .acquired })?.scores,
      let zero = rows.first(where: { $0.row.input == .zero })?.scores
    else { return [] }
    let syntheses = rows.filter { $0.row.input == .synthesised }
    let ours = syntheses.first { $0.row.experiments.first?.network.name == "agi-net" }
    var sentences: [String] = []
    if let ours { sentences.append(order(real, ours.scores, zero)) }
    let others = syntheses.filter { $0.row.title != ours?.row.title }
    if !others.isEmpty {
      var (sure, likely, broken): ([String], [String], [String]) = ([], [], [])
      for (row, scores) in others {
        if !breaks(real, scores, zero).isEmpty {
          broken.append(row.title)
        } else if doubts(real, scores, zero).isEmpty {
          sure.append(row.title)
        } else {
          likely.append(row.title)
        }
      }
      let lists = [
        ("the order holds", sure), ("only the means are in that order", likely),
        ("the means are not in that order", broken),
      ]
      sentences.append(
        "Of the other syntheses, "
          + lists.filter { !$1.isEmpty }.map { "\($0) for \($1.joined(separator: ", "))" }.joined(
            separator: "; ")
          + ".")
    }
    if let ours {
      let rivals = [zero, others.first { $0.row.experiments.first?.network.name == "resunet" }?.scores]
      sentences += rivals.compactMap { $0 }.compactMap { comparison(ours.scores, $0) }
    }
    return sentences
  }

  /// Where the means are not in the order acquired > synthesised > zero: a region's figure, with the three.
  private func breaks(
    _ real: SegmentationScores, _ made: SegmentationScores, _ zero: SegmentationScores
  ) -> [String] {
    SegmentationMeasure.paper.flatMap { measure in
      real.regions.compactMap { region -> String? in
        let means = [real, made, zero].map { $0.figures(of: region).overSubjects(measure).mean }
        if let a = means[0], let b = means[1], let c = means[2], a > b && b > c { return nil }
        let figures = means.map { $0.map { words($0, measure, decimals: measure.decimals) } ?? "–" }
        return "\(measure.heading.prefix(3)) Dice of \(region) is \(figures.joined(separator: ", ")) %"
      }
    }
  }

  /// Steps of that order which people's paired differences do not bear out, whatever the means are.
  private func doubts(
    _ real: SegmentationScores, _ made: SegmentationScores, _ zero: SegmentationScores
  ) -> [(step: String, paired: PairedComparison, measure: SegmentationMeasure)] {
    SegmentationMeasure.paper.flatMap { measure in
      real.regions.flatMap { region in
        [(real, made), (made, zero)].compactMap { first, second in
          guard let paired = first.figures(of: region).compared(with: second.figures(of: region), measure),
            paired.outcome != .better
          else { return nil }
          return (
            "\(first.name) less \(second.name) in \(measure.heading.prefix(3)) Dice of \(region)", paired,
            measure
          )
        }
      }
    }
  }

  private func order(_ real: SegmentationScores, _ made: SegmentationScores, _ zero: SegmentationScores)
    -> String
  {
    let name = "\(real.name) > \(made.name) > \(zero.name)"
    let broken = breaks(real, made, zero)
    guard broken.isEmpty else {
      return "\(name): the means are not in this order everywhere: \(broken.joined(separator: "; "))."
    }
    let doubts = doubts(real, made, zero)
    if doubts.isEmpty {
      return
        "\(name) holds in every region, in 2-D and in 3-D: the 95 % interval of each step, person by person, lies "
        + "above 0."
    }
    let counts = Set(doubts.map(\.paired.count))
    let isAll = doubts.count == 2 * SegmentationMeasure.paper.count * real.regions.count
    let reasons =
      if isAll, counts.count == 1, let people = counts.first, people < PairedComparison.fewest {
        PairedComparison.tooFew(people)
      } else {
        "no verdict on "
          + doubts.map { "\($0.step), \(words($0.paired, $0.measure))" }.joined(separator: "; ")
      }
    return "\(name): the means are in this order in every region, in 2-D and in 3-D; \(reasons)."
  }

  /// What more of each region is found with one contrast than with another, person by person.
  private func comparison(_ first: SegmentationScores, _ second: SegmentationScores) -> String? {
    let measure = SegmentationMeasure.dice3D
    let found = first.regions.compactMap { region in
      first.figures(of: region).compared(with: second.figures(of: region), measure).map { (region, $0) }
    }
    let counts = Set(found.map(\.1.count))
    guard let people = counts.max() else { return nil }
    guard people >= PairedComparison.fewest else {
      return "\(first.name) and \(second.name): \(PairedComparison.tooFew(people))."
    }
    let regions = found.map { region, paired in
      "\(region) \(words(paired, measure))" + (counts.count > 1 ? " over \(paired.count) people" : "")
    }
    return "3-D Dice of \(first.name) less that of \(second.name), in points"
      + (counts.count > 1 ? "" : ", over \(people) people") + ": \(regions.joined(separator: ", "))."
  }

  /// A mean difference with its interval, or that there is none.
  private func words(_ paired: PairedComparison, _ measure: SegmentationMeasure) -> String {
    let mean = words(paired.mean, measure, isSigned: true)
    guard let lower = paired.lower, let upper = paired.upper, let p = paired.p else {
      return "\(mean) (\(PairedComparison.tooFew(paired.count)))"
    }
    let interval = [lower, upper].map { words($0, measure, isSigned: true) }.joined(separator: " to ")
    return "\(mean) (95 % interval \(interval), p \(probability(p, 3)))"
  }

  /// A figure as it is printed.
  private func words(
    _ value: Double, _ measure: SegmentationMeasure, decimals: Int = 1, isSigned: Bool = false
  ) -> String {
    let text = String(format: isSigned ? "%+.*f" : "%.*f", decimals, value * measure.scale)
    return text.replacing("-", with: "−")
  }
}

// MARK: - Several seeds

extension MeasuredValues {
  /// The means of what is finite.
  fileprivate init(pooling values: [MeasuredValues]) {
    self.init()
    for measure in M.allCases {
      let known = values.compactMap { $0[measure] }
      self[measure] = Spread(known).mean ?? known.first
    }
  }
}

extension SegmentationScores {
  /// A subject's figures are their means over runs, and its slices those of all of them; nil without a run.
  fileprivate init?(_ name: String, pooling runs: [SegmentationScores]) {
    guard let first = runs.first else { return nil }
    self.init(name: name, scorer: first.scorer, subjects: first.subjects)
    for index in subjects.indices {
      let subject = subjects[index].subject
      let all = runs.compactMap { run in run.subjects.first { $0.subject == subject } }
      for region in subjects[index].regions.indices {
        subjects[index].regions[region].slices = all.flatMap { $0.regions[region].slices }
        subjects[index].regions[region].values = MeasuredValues(
          pooling: all.map { $0.regions[region].values })
      }
    }
  }
}

extension ModelFigures {
  /// A subject's figures are their means over runs; nil without a run.
  fileprivate init?(_ name: String, pooling runs: [ModelFigures]) {
    guard let first = runs.first else { return nil }
    self.init(name: name, subjects: first.subjects)
    for index in subjects.indices {
      let subject = subjects[index].subject
      subjects[index].values = MeasuredValues(
        pooling: runs.flatMap { $0.subjects.filter { $0.subject == subject }.map(\.values) })
    }
  }
}
