import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Metrics
import Runs

struct Assess: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure models on the people of a folder, one by one, beside copies, look-ups and ceilings.",
    discussion: """
      Straight from the files: nothing is prepared. Each person's image is compared under a scale of its own, so that no \
      figure hangs on the unit of a scan. Writes people.csv, people.md and summary.json.

      \(example("aginet assess bids --model run/model.safetensors -o assessed"))
      """)

  @Argument(help: "The folder of people.")
  var folder: String
  @Option(help: "bids, ixi or brats.")
  var layout = "bids"
  @Option(
    name: .customLong("model"),
    help: "A model file; may be repeated. One that cannot serve a task is not asked. None: baselines alone.")
  var files: [String] = []
  @Option(name: .shortAndLong, help: "The folder to write.")
  var output: String
  @Option(
    help: "Tasks, separated by blanks, such as 't1,t2>flair all>t2'; those that are usual, if left out.")
  var tasks: String?
  @Option(help: "Most people.")
  var limit: Int?
  @Option(help: "Slices at a time.")
  var batch = 4
  @Flag(
    inversion: .prefixedNo, help: "Hide each given scan in turn to tell how far a model can be relied on.")
  var verify = true
  @Flag(help: "Leave out copies and ceilings.")
  var modelsOnly = false
  @Flag(help: "Replace what an earlier assessment wrote.")
  var force = false
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try check("batch", batch, Bounds.batch)
    if let limit { try check("limit", limit, 1...1_000_000) }
    guard force || !PeopleAssessment.exists(in: output) else {
      throw Failure(.cannotWrite, "\(output): an assessment is here already; --force replaces it")
    }
    let device = try compute.apply()
    var options = PeopleAssessment.Options()
    if let tasks { options.tasks = try tasks.split(separator: " ").map { try PersonTask(String($0)) } }
    (options.limit, options.batchSize, options.verifies) = (limit, batch, verify)
    options.baselines = !modelsOnly
    let cohort = try CohortLayout.named(layout).open(folder)
    let models = try files.map { file in
      let model = try TrainedModel(file: file, device: device)
      _ = try model.synthesizer
      return (
        name: files.count > 1 ? "\(model.experiment.title), \(Path.name(file))" : model.experiment.title,
        model: model
      )
    }
    var bar = ProgressBar("assessing", unit: "people")
    let assessment = try PeopleAssessment(of: models, on: cohort, options) { bar.show($0, of: $1, $2) }
    try assessment.write(to: output)
    for failure in assessment.failures { Console.note("warning: \(failure.person): \(failure.reason)") }
    try Console.result(output)
    if !assessment.failures.isEmpty {
      throw Failure(
        .partial, "\(assessment.failures.count) people were not measured; \(output)/people.md says why")
    }
  }
}
