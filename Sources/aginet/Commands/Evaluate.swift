import ArgumentParser
import Cohorts
import Failures
import Metrics
import Reporting
import Runs
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a run, and the baselines beside it, on a held-out split.",
    discussion: example("aginet evaluate run --data cohort --split test"))

  @Argument(help: "Run folders; several are put into one table, in the first one's folder.")
  var runs: [String]
  @Option(help: "The prepared cohort.")
  var data: String
  @Option(help: "train, validation or test.")
  var split = Split.test
  @Option(help: "SSIM: full (torchmetrics 1.9), crop (5-pixel border left out) or uniform (scikit-image).")
  var ssim = SSIM.Variant.full
  @Option(help: "Slices at a time; of patches as many as have their voxels, one at least.")
  var batch = 4
  @Flag(help: "Replace an evaluation of this split.")
  var force = false
  @Flag(help: "Print the table as JSON.")
  var json = false
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try check("batch", batch, Bounds.batch)
    let device = try compute.apply()
    let cohort = try openedCohort(data)
    let opened = try runs.map { try Run(opening: $0) }
    let folder = opened[0].folder.evaluation(split.rawValue)
    guard force || !Assessment.exists(in: folder) else {
      throw Failure(.cannotWrite, "\(folder): an evaluation is here already; --force replaces it")
    }
    for run in opened {
      let met = run.trainedOn(split, of: cohort)
      guard let one = met.first else { continue }
      let name = one.subject == one.before ? one.subject : "\(one.subject), then called \(one.before),"
      Console.note(
        "warning: \(run.folder.path) was trained on images of this \(split.rawValue) split: \(name)"
          + (met.count > 1 ? " and \(met.count - 1) more" : "") + "; its scores are too good")
    }
    var options = Assessment.Options()
    (options.split, options.scorer, options.batchSize) = (split, Scorer(ssim: SSIM(ssim)), batch)
    options.sampling = drawing.change
    let assessment = try Assessment(
      of: opened, on: cohort, options, device: device, progress: ProgressBar.named("slices"))
    try assessment.write(to: folder)
    if cohort.subjects(in: .train).isEmpty {
      Console.note(
        "note: \(data) has no training split to fit a look-up on, so only copies of the sources stand beside the models"
      )
    }
    try Console.result(assessment.table.written(as: json ? .json : .markdown))
    for sentence in assessment.verdict(networks: opened.count) { Console.note(sentence) }
  }
}

extension Split: ExpressibleByArgument {}
extension SSIM.Variant: ExpressibleByArgument {}
