import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Metrics
import Paper
import Reporting
import Training

struct Reproduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train what a table or figure of the paper needs, and write it, on a prepared cohort.",
    discussion: """
      \(example(
        "aginet reproduce table5 figure3 --iterations 400 --width 16 --batch 4 \\",
        "    --rate 1e-3 --data cohort -o tables"))

      The defaults are the paper's, which take weeks without several GPUs. Runs are shared by all tables of one \
      output folder, interrupted ones are continued, and what is there is not computed again.
      """)

  @Argument(help: "\(Study.names.joined(separator: ", ")) or all.")
  var studies: [String]
  @Option(help: "The prepared cohort.")
  var data: String
  @Option(name: .shortAndLong, help: "The folder for runs, tables and index.html.")
  var output: String

  @OptionGroup var options: SettingOptions
  @Option(help: "Runs of each experiment, with the seeds 1, 2, …")
  var seeds = 1
  @Option(
    help: """
      Most test slices to score on, spread evenly (default: all). table4, table10 and table10b score whole subjects: as \
      many as have about so many slices, and one at least. No more slices of the validation split choose a run's weights \
      either, so that with another number other runs are trained; --set validationSlices=N goes on with those of --slices N.
      """)
  var slices: Int?
  @Option(
    help: """
      What is trained on. patch:32x64x64, for example, is for table10 and table10b (default: patch:96x96x96, or as large \
      as volumes are). slab:5, a slice between its neighbours, is for the others in place of single slices, and for \
      table10b (default: slab:3).
      """)
  var region: String?
  @Option(help: "Threads that read slices ahead.")
  var loaders = 1
  @Flag(help: "List the runs that are needed and stop.")
  var dryRun = false
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let base = try merged()
    // What does not exist is told before anything is opened.
    let wanted = try named(base)
    guard
      region == nil && base.region == .slice
        || wanted.contains(where: { $0.experiments.contains { $0.region == base.region } })
    else {
      let names = wanted.map(\.name).joined(separator: ", ")
      throw Failure(
        .usage,
        base.region.dimensions == 3
          ? "\(Term.region("\(base.region)")): only table10 and table10b train on patches, not \(names)"
          : "\(Term.region("\(base.region)")): \(names) trains on patches alone, such as patch:96x96x96")
    }
    try check("loaders", loaders, Bounds.loaders)
    let device = try compute.apply()
    var chosen = Reproduction.Settings()
    (chosen.base, chosen.seeds, chosen.slices) = (base, seeds, slices)
    chosen.namesRegions = options.settings.contains { $0.hasPrefix("segmentation.regions") }
    (chosen.device, chosen.loaders, chosen.sampling) = (device, loaders, drawing.change)
    var reproduction = try Reproduction(in: output, on: openedCohort(data), chosen)
    let (admitted, skipped) = try admissions(named(reproduction.settings.base), reproduction)
    try reproduction.cohort.refuse(output: output)
    for note in skipped.map({ "\($0.name) is left out: \($0.reason)" }) + admitted.flatMap(\.notes) {
      Console.note(note)
    }
    if dryRun { return try list(admitted, reproduction) }
    Interruption.watch()
    (reproduction.observe, reproduction.shouldStop) = (display(), { Interruption.requested })
    try reproduction.train(admitted.map(\.study))
    let results = try shown(admitted, reproduction)
    // What is measured is on the disk; a signal ends the pictures at once, and those that are there are not made again.
    try Interruption.release()
    let page = try ReproductionPage(
      reproduction, results, skipped: skipped,
      command: (["aginet"] + CommandLine.arguments.dropFirst().map(Report.quoted)).joined(separator: " "))
    try page.write()
    for result in results where admitted.contains(where: { $0.study.name == result.study.name }) {
      switch result.study.form {
      case .table, .volumes, .segmentation, .curve: try Console.result(result.table.written(as: .markdown))
      case .pictures, .features: try Console.result("\(output)/\(result.study.name).png")
      }
    }
    try Console.result(page.path)
    let failed = results.flatMap(\.failures)
    guard failed.isEmpty else {
      throw Failure(.partial, "some runs failed: \(Set(failed).sorted().joined(separator: "; "))")
    }
  }

  // MARK: - What is asked for

  /// What all experiments share; what the tables themselves decide cannot be set.
  private func merged() throws -> Experiment {
    let decided = ["method", "network.name", "stages", "network.stages", "seed", "perturbation"]
    for setting in options.settings {
      let key = setting.prefix { $0 != "=" }
      if let found = decided.first(where: { key == $0 || key.hasPrefix($0 + ".") })
        ?? (key == "network" ? "network" : nil)
      {
        throw Failure(.usage, "--set \(setting): \(found) is decided by the tables")
      }
    }
    let (paper, steps) = (Experiment(), options.iterations ?? Experiment().iterations)
    // Short runs are looked at a few times as well.
    var defaults = [
      "validateEvery=\(min(paper.validateEvery, max(1, steps / 4)))",
      "checkpointEvery=\(min(paper.checkpointEvery, max(1, steps / 4)))",
    ]
    if let slices { defaults.append("validationSlices=\(min(max(1, slices), paper.validationSlices))") }
    return try Experiment(settings: defaults + options.written([("region", region)]))
  }

  private func named(_ base: Experiment) throws -> [Study] {
    try (studies.contains("all") ? Study.names : studies.unique).map { try Study(named: $0, base: base) }
  }

  /// What this cohort and these settings allow. Of "all", what cannot be had is left out; by name, it is refused.
  private func admissions(
    _ wanted: [Study], _ reproduction: Reproduction
  ) throws -> ([Reproduction.Admission], [(name: String, reason: String)]) {
    var (admitted, skipped) = ([Reproduction.Admission](), [(name: String, reason: String)]())
    let isAll = studies.contains("all")
    for study in wanted {
      try reproduction.checkSampling(of: study)
      do {
        admitted.append(try reproduction.admit(study, strictly: !isAll))
      } catch let failure as Failure where isAll && [.inconsistent, .usage, .limit].contains(failure.kind) {
        skipped.append((study.name, failure.message))
      }
    }
    guard !admitted.isEmpty else {
      throw Failure(
        .inconsistent,
        "nothing can be reproduced on \(data): \(skipped.map(\.reason).joined(separator: "; "))")
    }
    return (admitted, skipped)
  }

  /// What was asked for, and whatever else this folder holds already, in the paper's order.
  private func shown(
    _ admitted: [Reproduction.Admission], _ reproduction: Reproduction
  ) throws -> [StudyResult] {
    // Volumes may have been seen otherwise by an earlier call.
    let regions = ([reproduction.settings.base.region] + reproduction.heldRegions + [.slice]).unique
    return try Study.names.compactMap { name in
      let study = try Study(named: name, base: reproduction.settings.base)
      // Admitted anew: rows that are shown only where they are trained may be by now.
      if admitted.contains(where: { $0.study.name == name }) {
        return try reproduction.result(of: reproduction.admit(study, strictly: false))
      }
      guard reproduction.mayHold(study) else { return nil }
      for region in study.form == .volumes ? regions : [reproduction.settings.base.region] {
        var base = reproduction.settings.base
        base.region = region
        guard let other = try? reproduction.admit(Study(named: name, base: base)), other.isWhole,
          try reproduction.isMeasured(other.study)
        else { continue }
        return try reproduction.result(of: other, asHeld: true)
      }
      return nil
    }
  }

  // MARK: - On the screen

  private func list(_ admitted: [Reproduction.Admission], _ reproduction: Reproduction) throws {
    for experiment in reproduction.experiments(for: admitted.map(\.study)) {
      let state =
        switch try reproduction.state(of: experiment) {
        case .missing: "to train"
        case .begun(let iteration): "at iteration \(iteration)"
        case .finished: "done"
        case .failed(let message): "failed: \(message)"
        }
      try Console.result("\(Path.name(try reproduction.runFolder(of: experiment).path))  \(state)")
    }
  }

  private func display() -> (Reproduction.Event) throws -> Void {
    let (scoring, segmenting) = (ProgressBar.named("slices"), ProgressBar.named("subjects"))
    var training: TrainingDisplay?
    var number = 0
    return { event in
      switch event {
      case .planned(let runs, let finished): Console.stage("\(runs) runs, of which \(finished) are there")
      case .training(let current, let total, let experiment, let event):
        if current != number {
          number = current
          let title = "\(experiment.title), \(experiment.scenario), seed \(experiment.seed)"
          Console.stage("[\(current)/\(total)]  \(title)")
          training = TrainingDisplay(experiment)
        }
        training?.show(event)
      case .failed(let experiment, let message):
        Console.note("\(experiment.title) failed, the rest goes on: \(message)")
      case .scoring(let name, let done, let total): scoring(name, done, total)
      case .segmenting(let name, let done, let total): segmenting(name, done, total)
      }
    }
  }
}
