import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Metrics
import Reporting
import Runs
import Torch
import Training

struct Assess: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure models on the people of a folder, one by one, beside copies, look-ups and ceilings.",
    discussion: """
      Straight from the files: nothing is prepared. Each person's image is compared under a scale of its own, so that no \
      figure hangs on the unit of a scan. Writes people.csv, people.md, summary.json and a page with pictures \
      (\(AssessmentPage.name)).

      \(example("aginet assess bids --model run/model.safetensors -o assessed"))
      """)

  @Argument(help: "Folders of people: BIDS, IXI or BraTS2023.")
  var folders: [String]
  @Option(
    name: .customLong("model"),
    help:
      "A model file, a run folder, or the name of a model that came with the program; may be repeated. One that cannot serve a task is not asked. None: baselines alone."
  )
  var files: [String] = []
  @Option(name: .shortAndLong, help: "The folder to write.")
  var output: String
  @Option(
    help: "Tasks, separated by blanks, such as 't1,t2>flair all>t2'; those that are usual, if left out.")
  var tasks: String?
  @Option(
    help:
      "A folder of label maps: the look-up from physics alone is measured too, by heads computed from them.")
  var anatomies: String?
  @Option(help: "Most people of a folder, with all their visits.")
  var limit: Int?
  @Option(
    help: "BIDS: which of several scans of a modality, e.g. t1:rec=norm, t1:rec= (without), run=1.")
  var pick: [String] = []
  @Option(help: "Slices at a time.")
  var batch = 4
  @Flag(
    inversion: .prefixedNo, help: "Hide each given scan in turn to tell how far a model can be relied on.")
  var verify = true
  @Flag(help: "Leave out copies and ceilings.")
  var modelsOnly = false
  @Flag(help: "Replace what an earlier assessment wrote.")
  var force = false
  @OptionGroup var alignment: AlignmentOptions
  @OptionGroup var sight: SightOptions
  @OptionGroup var ranks: RankOptions
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws { try ranks.run("assess \(output)", with: compute, assess) }

  private func assess(_ group: ProcessGroup?) throws {
    try check("batch", batch, Bounds.batch)
    if let limit { try check("limit", limit, 1...1_000_000) }
    let device = try compute.apply(group)
    try exactness.apply(on: device)
    try group.asFirst {
      guard force || !PeopleAssessment.exists(in: output) else {
        throw Failure(.cannotWrite, "\(output): an assessment is here already; --force replaces it")
      }
      for folder in folders { try Path.refuse(output, inside: folder) }
      try RunFolder.make(output)
    }
    var options = PeopleAssessment.Options()
    if let tasks { options.tasks = try tasks.split(separator: " ").map { try PersonTask(String($0)) } }
    (options.limit, options.batchSize, options.verifies) = (limit, batch, verify)
    (options.baselines, options.isAxialAlone) = (!modelsOnly, sight.axialOnly)
    options.biasField = sight.biasField
    options.alignment = try alignment.checked()
    let picks = try pick.flatMap { try ScanPick.read($0) }
    let cohorts = try folders.map { try Assess.opened($0, picks) }
    _ = try PeopleAssessment.names(of: cohorts)
    let models = try zip(files, Assess.ends(of: files)).map { file, end in
      let path = try ShippedModel.file(file)
      let model = try TrainedModel(file: path, device: device)
      _ = try model.synthesizer
      // One that came with the program is known by its name.
      guard FileManager.default.fileExists(atPath: file) else { return (name: file, model: model) }
      let title = model.experiment.title
      return (name: files.count > 1 ? "\(title), \(end)" : title, model: model)
    }
    if let anatomies {
      let maps = try Anatomies(folder: anatomies)
      let scenarios = PeopleAssessment.scenarios(of: options.tasks, on: cohorts)
      func lookup(stripped: Bool) throws -> PhysicsLookup {
        var bar = ProgressBar(
          stripped ? "computing stripped heads" : "computing whole heads", unit: "batches")
        return try PhysicsLookup(for: scenarios, from: maps, stripped: stripped) { bar.show($0, of: $1) }
      }
      (options.strippedLookup, options.wholeLookup) = try (lookup(stripped: true), lookup(stripped: false))
    }
    var bar = ProgressBar("assessing", unit: "people")
    var page = AssessmentPage(in: output)
    if group == nil { Interruption.watch() }
    let assessment = try PeopleAssessment(
      of: models, on: cohorts, options, group: group,
      progress: {
        try group?.listen()
        bar.show($0, of: $1, $2)
      }, picturing: { if group.isFirst { try page.draw($0) } }, shouldStop: { Interruption.requested })
    guard group.isFirst else { return }
    if let stop = assessment.stop, assessment.rows.isEmpty {
      RunFolder.removeEmpty(output, within: Path.folder(output))
      throw Failure(stop, "stopped before anybody was measured; nothing is written")
    }
    if assessment.rows.isEmpty, let failure = assessment.failure {
      RunFolder.removeEmpty(output, within: Path.folder(output))
      throw failure
    }
    try assessment.write(to: output)
    try page.write(assessment)
    for failure in assessment.failures {
      Console.note("warning: \(failure.cohort)/\(failure.person): \(failure.reason)")
    }
    try Console.result(output)
    if let stop = assessment.stop {
      throw Failure(
        stop,
        "stopped; \(output) tells of those who were measured, and \(assessment.unbegun.people) were not looked at"
      )
    }
    if let failure = assessment.failure {
      throw Failure(failure.kind, "\(failure.message); \(output)/people.md says why")
    }
  }

  /// The ends of paths, as long as it takes to tell them apart.
  private static func ends(of paths: [String]) throws -> [String] {
    let parts = paths.map { $0.split(separator: "/") }
    let most = max(1, parts.map(\.count).max() ?? 1)
    let ends = (1...most).lazy.map { length in parts.map { $0.suffix(length).joined(separator: "/") } }
    guard let found = ends.first(where: { Set($0).count == paths.count }) else {
      throw Failure(.usage, "--model: one model is named twice; its figures would stand in one row")
    }
    return found
  }

  /// A folder in whichever layout it is; of one that is in none what is wrong with it as BIDS.
  private static func opened(_ folder: String, _ picks: [ScanPick]) throws -> any Cohort {
    for layout in CohortLayout.catalog {
      if let cohort = try? layout.open(folder, picks: picks) { return cohort }
    }
    return try CohortLayout.named("bids").open(folder, picks: picks)
  }
}
