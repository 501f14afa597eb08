import ArgumentParser
import Cohorts
import Failures
import Metrics
import Reporting
import Runs
import Torch
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a run, and the baselines beside it, on a held-out split.",
    discussion: example("aginet evaluate run --data cohort --split test"))

  /// By which figures images are judged.
  enum Figures: String, CaseIterable, ExpressibleByArgument {
    case paper, brasyn
  }

  @Argument(help: "Run folders; several are put into one table, in the first one's folder.")
  var runs: [String]
  @Option(help: "The prepared cohort.")
  var data: String
  @Option(help: "train, validation or test.")
  var split = Split.test
  @Option(
    name: .customLong("protocol"),
    help: "paper: by slice; brasyn: the BraSyn challenge's, 3-D SSIM of whole volumes.")
  var scoring = Figures.paper
  @Option(
    help:
      "SSIM: full (torchmetrics 1.9, the default), crop (5-pixel border left out) or uniform (scikit-image).")
  var ssim: SSIM.Variant?
  @Option(help: "Slices at a time; of patches as many as have their voxels, one at least.")
  var batch = 4
  @Option(
    name: .customLong("fill"),
    help:
      "Of a segmentation: a row more with a contrast set to 0 (flair=zero), copied (flair=copy:t1) or synthesised by a run or model file (flair=RUN); may be repeated."
  )
  var fills: [String] = []
  @Flag(help: "Replace an evaluation of this split.")
  var force = false
  @Flag(help: "Print the table as JSON.")
  var json = false
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var ranks: RankOptions
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws { try ranks.run("evaluate \(runs.joined(separator: " "))", with: compute, evaluate) }

  private func evaluate(_ group: ProcessGroup?) throws {
    try check("batch", batch, Bounds.batch)
    let device = try compute.apply(group)
    try exactness.apply(on: device)
    let cohort = try openedCohort(data)
    let opened = try runs.map { try Run(opening: $0) }
    if let ssim, scoring == .brasyn || opened[0].isSegmentation {
      let what =
        scoring == .brasyn ? "the BraSyn protocol has an SSIM of its own" : "a segmentation has no SSIM"
      throw Failure(.usage, "--ssim \(ssim.rawValue): \(what)")
    }
    let fills = try fills.map { try Fill($0) }
    guard fills.isEmpty || opened[0].isSegmentation else {
      throw Failure(
        .usage, "--fill: \(runs[0]) is no segmentation, which is what may be shown something else")
    }
    let folder = opened[0].folder.evaluation(split.rawValue)
    let isHeld = scoring == .paper ? Assessment.exists : BraSynAssessment.exists
    try group.asFirst {
      guard force || !isHeld(folder) else {
        let held = scoring == .paper ? folder : BraSynAssessment.folder(in: folder)
        throw Failure(.cannotWrite, "\(held): an evaluation is here already; --force replaces it")
      }
    }
    for run in opened + fills.compactMap(\.run) {
      func warn(_ what: String, _ first: String, _ count: Int, _ effect: String) {
        Console.note(
          "warning: \(run.folder.path) was trained on \(what) of this \(split.rawValue) split: \(first)"
            + (count > 1 ? " and \(count - 1) more" : "") + "; its scores \(effect) too good")
      }
      let met = run.trainedOn(split, of: cohort)
      if let one = met.images.first {
        let name = one.subject == one.before ? one.subject : "\(one.subject) (then \(one.before))"
        warn("images", name, met.images.count, "are")
      }
      if let one = met.patients.first {
        warn("other scans of patients", "\(one.subject) (there \(one.other))", met.patients.count, "may be")
      }
    }
    var options = Assessment.Options()
    (options.split, options.scorer, options.batchSize) = (split, Scorer(ssim: SSIM(ssim ?? .full)), batch)
    options.sampling = drawing.change
    if opened[0].isSegmentation {
      try segmentations(opened, fills, cohort, options, device, group, into: folder)
    } else if scoring == .brasyn {
      let assessment = try BraSynAssessment(
        of: opened, on: cohort, options, device: device, group: group, progress: progress("subjects", group))
      guard group.isFirst else { return }
      try assessment.write(to: folder)
      try show(assessment.table)
    } else {
      try syntheses(opened, cohort, options, device, group, into: folder)
    }
  }

  private func progress(_ unit: String, _ group: ProcessGroup?) -> (String, Int, Int) throws -> Void {
    let show = ProgressBar.named(unit)
    return { name, done, total in
      try group?.listen()
      show(name, done, total)
    }
  }

  private func syntheses(
    _ runs: [Run], _ cohort: PreparedCohort, _ options: Assessment.Options, _ device: Device,
    _ group: ProcessGroup?, into folder: String
  ) throws {
    let assessment = try Assessment(
      of: runs, on: cohort, options, device: device, group: group, progress: progress("slices", group))
    guard group.isFirst else { return }
    try assessment.write(to: folder)
    if cohort.subjects(in: .train).isEmpty {
      Console.note(
        "note: \(data) has no training split to fit a look-up on, so only copies of the sources stand beside the models"
      )
    }
    let mapped = cohort.subjects(in: options.split).filter { $0.labels != nil }
    let lesions = try cohort.withLesions(among: Set(mapped.map(\.id)))
    if let first = mapped.first(where: { !lesions.contains($0.id) }) {
      Console.note(
        "note: nothing is said of lesions where the label map is none of lesions by its name or by how much it marks: "
          + "\(mapped.count - lesions.count) of \(mapped.count) subjects, as \(first.labels?.file ?? "")")
    }
    try show(assessment.table)
    // JSON is one document.
    if let lesions = assessment.lesionTable, !json { try show(lesions) }
    for sentence in assessment.verdict { Console.note(sentence) }
  }

  private func segmentations(
    _ runs: [Run], _ fills: [Fill], _ cohort: PreparedCohort, _ options: Assessment.Options, _ device: Device,
    _ group: ProcessGroup?, into folder: String
  ) throws {
    guard scoring == .paper else {
      throw Failure(.usage, "--protocol \(scoring.rawValue): is of synthesised images, not of a segmentation")
    }
    let assessment = try SegmentationAssessment(
      of: runs, on: cohort, options, substitutes: fills.map { try $0.substitute(device: device) },
      device: device, group: group, progress: progress("subjects", group))
    guard group.isFirst else { return }
    try assessment.write(to: folder)
    try show(assessment.table)
  }

  private func show(_ table: Table) throws {
    try Console.result(table.written(as: json ? .json : .markdown))
  }
}

extension Split: ExpressibleByArgument {}
extension SSIM.Variant: ExpressibleByArgument {}
