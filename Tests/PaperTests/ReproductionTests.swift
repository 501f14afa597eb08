import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Methods
import Metrics
import Networks
import Paper
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Tables from end to end, with runs of a few iterations.
@Suite struct ReproductionTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func reproduction(
    iterations: Int = 2, seeds: Int = 1, _ change: (inout Reproduction.Settings) -> Void = { _ in }
  ) throws -> Reproduction {
    var settings = Reproduction.Settings()
    (settings.base, settings.seeds) = (tinyExperiment(iterations: iterations), seeds)
    change(&settings)
    return try Reproduction(in: scratch("out"), on: Trained.cohort(), settings)
  }

  /// What happened: runs that were trained at all, and slices that were scored.
  private final class Watched {
    var planned = (runs: 0, finished: 0), trained: Set<Int> = [], scored = 0
  }

  private func watching(_ reproduction: inout Reproduction) -> Watched {
    let watched = Watched()
    reproduction.observe = { event in
      switch event {
      case .planned(let runs, let finished): watched.planned = (runs, finished)
      case .training(let number, _, _, _): watched.trained.insert(number)
      case .scoring(_, let done, _): watched.scored += done
      case .segmenting(_, let done, _): watched.scored += done
      case .failed: break
      }
    }
    return watched
  }

  /// Trains and measures studies, with what is left out.
  private func results(_ names: [String], _ reproduction: Reproduction) throws -> [StudyResult] {
    let admissions = try names.map {
      try reproduction.admit(Study(named: $0, base: reproduction.settings.base), strictly: false)
    }
    try reproduction.train(admissions.map(\.study))
    return try admissions.map { try reproduction.result(of: $0) }
  }

  @Test func aTableHasThePapersRowsAndTheBaselines() throws {
    let result = try #require(try results(["table5"], reproduction(seeds: 2)).first)
    let table = result.table
    #expect(
      table.columns.map(\.heading) == [
        "Convolution", "PSNR (dB)", "SSIM (%)", "MAE (×100)", "Parameters (M)", "Multiply-adds (G)",
        "Time (s/volume)",
      ])
    let names = table.rows.map { row -> String in if case .text(let name) = row[0] { name } else { "" } }
    #expect(names == ["Standard", "+ GR", "+ GR + CA", "+ CA", "Copy of T2", "Intensity look-up"])
    #expect(table.rules == [3, 4])
    for (index, row) in table.rows.enumerated() {
      guard case .spread(_, let deviation) = row[1] else {
        Issue.record("\(row)")
        continue
      }
      // Two seeds have a deviation, a baseline needs none.
      #expect((deviation != nil) == (index < 4))
    }
    #expect(result.measurements.allSatisfy { $0.count == 1 && $0[0].count == 2 })
    let costs = result.measurements.map { $0[0][0] }
    #expect(costs[0].parameters < costs[3].parameters && costs[3].parameters < costs[1].parameters)
    #expect(costs[1].parameters < costs[2].parameters && costs.allSatisfy { $0.seconds > 0 })
    // The program counts during scoring what it counts for a slice alone.
    let alone = try Cost(of: result.study.rows[2].experiments[0], onSlices: Extent(32, 32))
    #expect(costs[2].multiplyAdds == Double(alone.multiplyAdds) && costs[2].parameters == alone.parameters)
    #expect(table.caption.contains("over 2 runs") && table.caption.contains("5 test slices of 1 subject"))
    #expect(table.caption.contains("too few people (1) for a verdict; at least six"))
    #expect(result.failures.isEmpty && !table.caption.contains("translated"))
  }

  @Test func whatIsThereIsNotComputedAgain() throws {
    var first = try reproduction()
    let before = watching(&first)
    let one = try results(["table5"], first)
    #expect(before.planned.runs == 4 && before.trained.count == 4 && before.scored > 0)
    let files = scratch.files(in: "out")
    let models = files.filter { $0.hasSuffix(".safetensors") }.map { contents(of: scratch("out/" + $0)) }

    var second = try reproduction()
    let after = watching(&second)
    let two = try results(["table5"], second)
    #expect(after.planned == (4, 4) && after.trained.isEmpty && after.scored == 0)
    #expect(one[0].table == two[0].table)
    #expect(scratch.files(in: "out") == files)
    #expect(
      files.filter { $0.hasSuffix(".safetensors") }.map { contents(of: scratch("out/" + $0)) } == models)

    // Another table of the same experiments trains only what it alone has.
    let third = watching(&second)
    _ = try results(["table9", "figure3"], second)
    #expect(third.planned == (8, 2) && third.trained.count == 6)
  }

  @Test func otherQuestionsAreAskedAnew() throws {
    _ = try results(["figure5"], reproduction())
    var fewer = try reproduction { $0.slices = 2 }
    let watched = watching(&fewer)
    let result = try results(["figure5"], fewer)[0]
    #expect(watched.trained.isEmpty && watched.scored > 0)
    #expect(result.measurements[0][0][0].scores.slices.count == 2)
    #expect(result.measurements[0][0][0].scores.slices.map(\.slice) == [1, 3])
    // A model that changed is scored again, though the run has the same name.
    let run = try fewer.runFolder(of: result.study.rows[0].experiments[0])
    let other = try fewer.runFolder(of: result.study.rows[1].experiments[0])
    let file = "\(run.path)/evaluation/reproduction/test-2.json"
    let before = contents(of: file)
    try FileManager.default.removeItem(atPath: run.model)
    try FileManager.default.copyItem(atPath: other.model, toPath: run.model)
    _ = try results(["figure5"], fewer)
    #expect(contents(of: file) != before)
  }

  /// A cut transfer, or a disk that lost what was written.
  @Test func aDamagedMeasurementIsMadeAnew() throws {
    let reproduction = try reproduction { $0.slices = 2 }
    let result = try results(["figure5"], reproduction)[0]
    let run = try reproduction.runFolder(of: result.study.rows[0].experiments[0])
    let file = "\(run.path)/evaluation/reproduction/test-2.json"
    func scores() throws -> [Double?] {
      try results(["figure5"], reproduction)[0].measurements[0].map { $0[0].scores.overSlices(.psnr).mean }
    }
    let expected = try scores()
    let whole = try #require(contents(of: file))
    let text = String(decoding: whole, as: UTF8.self)
    let changed = text.replacing("\"parameters\":", with: "\"parameters\":1")
    #expect(changed != text)
    for damaged in [Data(), whole.prefix(whole.count / 2), Data(count: whole.count), Data(changed.utf8)] {
      try damaged.write(to: URL(fileURLWithPath: file))
      #expect(try scores() == expected)
      let again = try #require(contents(of: file))
      #expect(again != damaged && again.count > whole.count * 9 / 10)
    }
  }

  @Test func anInterruptedRunGoesOnAndEndsAlike() throws {
    var stopped = try reproduction(iterations: 4)
    stopped.observe = { event in
      if case .training(2, _, _, .step(3, _, _, _)) = event {
        throw Failure(.interrupted, "stopped")
      }
    }
    let study = try Study(named: "figure5", base: stopped.settings.base)
    let failure = try failure { try stopped.train([study]) }
    #expect(failure.kind == .interrupted && failure.message.contains("same command"))
    let experiments = stopped.experiments(for: [study])
    #expect(try experiments.map { try stopped.state(of: $0) } == [.finished, .begun(2)])

    var resumed = try reproduction(iterations: 4)
    let watched = watching(&resumed)
    try resumed.train([study])
    #expect(watched.planned == (2, 1) && watched.trained == [2])
    #expect(try resumed.state(of: experiments[1]) == .finished)
    let model = contents(of: try resumed.runFolder(of: experiments[1]).last)
    _ = try Run.train(experiments[1], on: Trained.cohort(), into: scratch("alone"))
    #expect(contents(of: scratch("alone/checkpoints/last.safetensors")) == model)
  }

  /// Two calls in one folder: what the other has finished since this one looked is left as it is.
  @Test func whatAnotherProcessFinishedMeanwhileIsKept() throws {
    var mine = try reproduction()
    let study = try mine.admit(Study(named: "table6", base: mine.settings.base), strictly: false).study
    let experiments = mine.experiments(for: [study])
    let files = try experiments.map { try mine.runFolder(of: $0).model }
    func changed() throws -> [Date?] {
      try files.map { try FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date }
    }
    var (before, trained): ([Date?], Set<Int>) = ([], [])
    mine.observe = { event in
      if case .planned(_, let finished) = event {
        #expect(finished == 0)
        try reproduction().train([study])
        before = try changed()
      }
      if case .training(let number, _, _, _) = event { trained.insert(number) }
    }
    try mine.train([study])
    #expect(trained.isEmpty)
    #expect(try !before.isEmpty && changed() == before)
  }

  /// A run that came to its end is not trained anew for what it needs no more, nor left without what it needs.
  @Test func whatIsLeftOfARunIsMadeUseOf() throws {
    let works = try reproduction()
    let study = try works.admit(Study(named: "table6", base: works.settings.base), strictly: false).study
    try works.train([study])
    let experiment = try #require(works.experiments(for: [study]).first)
    let folder = try works.runFolder(of: experiment)
    let model = try #require(contents(of: folder.model))

    // The model is gone: the checkpoint's weights take its place.
    try FileManager.default.removeItem(atPath: folder.model)
    #expect(try works.state(of: experiment) == .begun(2))
    try works.train([study])
    #expect(try works.state(of: experiment) == .finished && works.model(of: experiment) != nil)
    let rows = try scratch.text("out/runs/\(Path.name(folder.path))/log.csv").split(
      whereSeparator: \.isNewline)
    #expect(Set(rows).count == rows.count && folder.loggedIteration == 2)

    // The settings are gone: the checkpoint has them.
    try FileManager.default.removeItem(atPath: folder.experiment)
    #expect(try works.state(of: experiment) == .begun(2))
    try works.train([study])
    #expect(
      try works.state(of: experiment) == .finished && Run(opening: folder.path).experiment == experiment)

    // Checkpoints are removed for their size.
    try Data(model).write(to: URL(fileURLWithPath: folder.model))
    try FileManager.default.removeItem(atPath: folder.checkpoints)
    #expect(try works.state(of: experiment) == .finished)
    try works.train([study])
    #expect(contents(of: folder.model) == model && !folder.hasCheckpoint)
    // A spreadsheet saved its log.
    let log = scratch("out/runs/\(Path.name(folder.path))/log.csv")
    let saved = rows.map { "\"\($0.replacingOccurrences(of: ",", with: "\";\""))\"" }
    try Data(saved.joined(separator: "\r\n").utf8).write(to: URL(fileURLWithPath: log))
    #expect(try works.state(of: experiment) == .finished)
    // Of a run that did not come to its end they are what it goes on from.
    try Data(rows.prefix(2).joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: log))
    #expect(try works.state(of: experiment) == .missing)
  }

  @Test func whatDivergesIsToldAndNotTriedAgain() throws {
    func broken() throws -> Reproduction {
      try reproduction(iterations: 4) {
        ($0.base.learningRate, $0.base.pix2pix.weightAdversarial) = (1e30, 0)
      }
    }
    let result = try results(["table5"], broken())[0]
    #expect(result.notes.count == 4 && result.notes[0].contains("training failed"))
    #expect(result.failures == result.notes)
    #expect(result.table.rows[0][1] == .empty && result.table.rows[4][1] != .empty)
    var again = try broken()
    let watched = watching(&again)
    #expect(try results(["table5"], again)[0].notes == result.notes)
    #expect(watched.trained.isEmpty)
  }

  /// Every method of the paper in its own form, one after another, drawn in few steps.
  @Test func theMethodsFillTheirTable() throws {
    let wide = try makeCohort(scratch) { $0.size = Extent(tinySide, tinySide) }
    var settings = Reproduction.Settings()
    (settings.base, settings.slices) = (tinyExperiment(iterations: 1), 1)
    settings.base.validationSlices = 1
    (settings.sampling.steps, settings.sampling.sampler) = (2, .ddim)
    var reproduction = try Reproduction(in: scratch("out"), on: wide, settings)
    var study = try Study(named: "table1", base: reproduction.settings.base)
    study.conditions = [study.conditions[2]]
    for row in study.rows.indices { study.rows[row].experiments = [study.rows[row].experiments[2]] }
    let admission = try reproduction.admit(study)
    #expect(admission.notes.isEmpty, "\(admission.notes)")
    // mmGAN's eight levels do not fit, and a published judge would be as large as everything else.
    let fitted = admission.study.experiments
    #expect(
      fitted.allSatisfy { $0.mmgan.levels == 6 && $0.mmgan.padding && $0.selfrdb.discriminator.width == 4 })
    try reproduction.train([admission.study])
    let result = try reproduction.result(of: admission)
    let names = result.table.rows.map { row -> String in if case .text(let name) = row[0] { name } else { "" }
    }
    #expect(
      names == [
        "DDPM", "IDDPM", "SelfRDB", "pGAN without VGG", "mmGAN", "MedSynth", "pixel2pixel", "Ours",
        "Copy of T2",
        "Intensity look-up",
      ])
    #expect(result.table.rows.prefix(8).allSatisfy { row in row.dropFirst().allSatisfy { $0 != .empty } })
    #expect(
      result.table.caption.contains("DDPM by DDIM, 2 of 1000 steps")
        && !result.table.caption.contains("mmGAN by"))
    // What draws nothing is not scored again for other steps.
    settings.sampling.steps = 3
    reproduction = try Reproduction(in: scratch("out"), on: wide, settings)
    var scored: [String] = []
    reproduction.observe = {
      if case .scoring(let name, 0, _) = $0, scored.last != name { scored.append(name) }
    }
    _ = try reproduction.result(of: admission)
    #expect(scored == ["DDPM", "IDDPM", "SelfRDB"])
  }

  /// What memory alone rules out ends as that, and not as a mistake of the person's.
  @Test func whatMemoryRulesOutIsALimit() throws {
    let vast = try reproduction { ($0.base.batchSize, $0.base.network.width) = (65536, 1024) }
    for strictly in [true, false] {
      let failure = try failure {
        _ = try vast.admit(Study(named: "table5", base: vast.settings.base), strictly: strictly)
      }
      #expect(failure.kind == .limit, "\(failure.message)")
    }
  }

  /// More steps than a process has are refused where something is drawn, and only there.
  @Test func onlyWhatDrawsIsHeldToTheStepsOfItsProcess() throws {
    let many = try reproduction { $0.sampling.steps = 2000 }
    for name in ["table5", "table6", "table9", "figure3", "figure5"] {
      _ = try many.admit(Study(named: name, base: many.settings.base))
    }
    for name in ["table1", "table8"] {
      let failure = try failure { _ = try many.admit(Study(named: name, base: many.settings.base)) }
      #expect(
        failure.kind == .usage
          && failure.message == "steps 2000: \(name) draws by processes of 1000 steps; 0 takes all")
    }
    let longer = try reproduction {
      $0.sampling.steps = 2000
      ($0.base.ddpm.steps, $0.base.iddpm.steps) = (2000, 3000)
    }
    _ = try longer.admit(Study(named: "table8", base: longer.settings.base))
    #expect(try failure { _ = try reproduction { $0.sampling.steps = -1 } }.kind == .usage)
  }

  // MARK: - Misalignment

  @Test func aShiftedRunIsAnotherRun() throws {
    let reproduction = try reproduction(iterations: 1)
    let aligned = tinyExperiment(iterations: 1)
    var shifted = aligned
    shifted.perturbation = Perturbation(of: .t2, radius: 3)
    let folders = try [aligned, shifted].map { try reproduction.runFolder(of: $0) }
    #expect(folders[0] != folders[1] && folders[1].path.contains("shift3"))
    // The experiment that the run folder keeps tells them apart, and so does what they learn.
    _ = try Run.train(aligned, on: Trained.cohort(), into: scratch("run"))
    let plain = contents(of: scratch("run/checkpoints/last.safetensors"))
    var setting = Run.Setting()
    setting.resumes = true
    let failure = try failure {
      _ = try Run.train(shifted, on: Trained.cohort(), into: scratch("run"), setting)
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("perturbation.radius 3 instead of 0"))
    _ = try Run.train(shifted, on: Trained.cohort(), into: scratch("shifted"))
    let moved = try Safetensors(contentsOf: scratch("shifted/checkpoints/last.safetensors"))
    #expect(contents(of: moved.path) != plain)
    #expect(try Run(opening: scratch("shifted")).experiment.perturbation.radius == 3)
  }

  @Test func theCurveFallsToOneMeasurementAShift() throws {
    let result = try results(["figure3"], reproduction())[0]
    let table = result.table
    #expect(table.rows.count == 7 && table.columns.count == 3)
    #expect(table.rows.map { $0[0] } == [0, 0.5, 1, 1.5, 2, 2.5, 3].map { Table.Cell.number($0) })
    let scores = result.measurements[0].map { $0[0].scores.overSlices(.psnr).mean ?? 0 }
    // Each shift is looked at by itself.
    #expect(Set(scores).count == 7)
    #expect(table.columns[1].heading == "ResUnet PSNR (dB)")
  }

  // MARK: - Refusals

  @Test func aCohortWithoutTheModalitiesIsRefused() throws {
    let reproduction = try reproduction()
    for name in ["table2", "table3", "table4", "table10", "table10b"] {
      let failure = try failure {
        _ = try reproduction.admit(Study(named: name, base: reproduction.settings.base))
      }
      #expect(failure.kind == .inconsistent)
      #expect(failure.message.contains("FLAIR") && failure.message.contains("T1, T2, PD"), "\(failure)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch("out")))
  }

  @Test func groupsThatDoNotDivideAreRefused() throws {
    let reproduction = try reproduction()
    let study = try Study(named: "table7", base: reproduction.settings.base)
    let failure = try failure { _ = try reproduction.admit(study) }
    #expect(failure.kind == .usage && failure.message.contains("8 groups do not divide 4 channels"))
    #expect(failure.message.contains("another width"))
    // Of "all", the table keeps the rows that can be had.
    let admission = try reproduction.admit(study, strictly: false)
    #expect(
      admission.study.rows.map(\.title) == ["Standard", "n = 2", "n = 4"] && admission.notes.count == 2)
    let wide = try self.reproduction { $0.base.network.width = 16 }
    #expect(try wide.admit(Study(named: "table7", base: wide.settings.base)).study.rows.count == 5)
  }

  @Test func settingsThatMakeNoSense() throws {
    #expect(try failure { _ = try reproduction(seeds: 0) }.kind == .usage)
    #expect(try failure { _ = try reproduction { $0.slices = 0 } }.kind == .usage)
    let other = try Scratch()
    let untested =
      #"{"train": ["sub-01", "sub-02", "sub-03", "sub-05"], "validation": ["sub-04"], "test": []}"#
    let path = try other.write(untested, to: "untested.json")
    let cohort = try makeCohort(other) { $0.splits = .file(path) }
    #expect(
      try failure { _ = try Reproduction(in: scratch("out"), on: cohort, .init()) }.kind == .inconsistent)
  }

  @Test func aFolderWithAnotherExperimentIsNotTaken() throws {
    let reproduction = try reproduction()
    let experiment = tinyExperiment(iterations: 2)
    let run = try reproduction.runFolder(of: experiment)
    try RunFolder.make(run.path)
    try AtomicFile.write(tinyExperiment(iterations: 3).json, to: run.experiment)
    let failure = try failure { _ = try reproduction.state(of: experiment) }
    #expect(failure.kind == .inconsistent && failure.message.contains("iterations 2 instead of 3"))
  }
}
