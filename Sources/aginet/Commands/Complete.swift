import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Reporting
import Runs
import Torch

struct Complete: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute, for every person of a BIDS data set, the contrasts that are lacking.",
    discussion: """
      \(example("aginet complete bids bids/derivatives/aginet participant --targets flair,t2"))

      The output is a BIDS data set of derivatives, with a table of everyone (\(CompletionFolder.table)) and a page with \
      pictures (\(CompletionFolder.page)). The same command goes on where it was stopped, and several may work on different \
      people at once; 'group' in place of 'participant' writes table and page of what is there.
      """)

  /// BIDS-App's levels of analysis.
  enum Level: String, CaseIterable, ExpressibleByArgument { case participant, group }

  @Argument(help: "The BIDS data set's folder.")
  var bidsDir: String
  @Argument(help: "The folder of derivatives: DERIVATIVES/NAME in the data set, or one beside it.")
  var output: String
  @Argument(help: "participant or group.")
  var level = Level.participant
  @Option(
    name: [.customLong("participant-label"), .customLong("participant_label")], parsing: .upToNextOption,
    help: "Who: 01 02 for sub-01 and sub-02 (default: everyone).")
  var participants: [String] = []
  @Option(
    name: [.customLong("session-label"), .customLong("session_label")], parsing: .upToNextOption,
    help: "Which sessions (default: all).")
  var sessions: [String] = []
  @Option(help: "Wanted contrasts, e.g. flair,t2, or all that the model makes (default: t1,t2,flair).")
  var targets: String?
  @Option(
    help:
      "A model's name, a .safetensors file or a run folder (default: the newest that came with the program).")
  var model: String?
  @Option(help: "Which of several scans of a modality, e.g. t1:rec=norm, t1:rec= (without), run=1.")
  var pick: [String] = []
  @Option(help: "People at a time (default: one for four threads, and no more than memory holds).")
  var jobs: Int?
  @Option(help: "Slices, or patches of a model of volumes, through the network at a time.")
  var batch = 2
  @Option(help: "Most voxels a volume may have.")
  var maxVoxels = NIfTI.defaultVoxelLimit
  @Flag(help: "Compute again what is there, by another model for example; who is refused stays so.")
  var recompute = false
  @Flag(
    help:
      "Compute again what is there, and go on where the model may not serve a person, which is refused otherwise (exit code 11); the sidecar's Overruled says why."
  )
  var force = false
  @Flag(help: "Say how many would be completed and what that takes, by the scans' headers; write nothing.")
  var estimate = false
  @Flag(help: "Print what became of each, or the estimate, as JSON.")
  var json = false
  @OptionGroup var alignment: AlignmentOptions
  @OptionGroup var sight: SightOptions
  @OptionGroup var ranks: RankOptions
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    if estimate {
      guard level == .participant else { throw Failure(.usage, "--estimate goes with 'participant'") }
      return try ranks.estimate(with: compute) { try complete(nil, among: $0) }
    }
    try ranks.run("complete \(output)", with: compute) { try complete($0, among: $0?.size ?? 1) }
  }

  /// - Parameter ranks: how many processes there are; of an estimate, how many there would be.
  private func complete(_ group: ProcessGroup?, among ranks: Int) throws {
    try check("batch", batch, Bounds.batch)
    if let jobs { try check("jobs", jobs, Bounds.threads) }
    try check("max-voxels", maxVoxels, Bounds.voxels)
    var options = Completion.Options()
    options.targets = try wanted()
    (options.participants, options.sessions) = (participants, sessions)
    (options.replaces, options.acceptsDoubts) = (recompute || force, force)
    (options.batchSize, options.voxelLimit) = (batch, maxVoxels)
    (options.isAxialAlone, options.biasField) = (sight.axialOnly, sight.biasField)
    options.alignment = try alignment.checked()
    (options.jobs, options.onThread) = (jobs, { LibTorch.flushDenormals() })
    (options.part, options.parts) = (group?.rank ?? 0, ranks)
    let picks = try pick.flatMap { try ScanPick.read($0) }
    let device = try compute.apply(group)
    try exactness.apply(on: device)
    let cohort = try BIDSCohort(folder: bidsDir, picks: picks)
    let model = try TrainedModel(file: ShippedModel.file(self.model), device: device)
    let completion = try Completion(of: cohort, by: model, into: output, options)
    for note in cohort.notes { Console.note("note: \(note)") }
    if estimate { return try completion.estimate(model).print(asJSON: json, on: device) }
    try work(completion, model, group)
  }

  private func wanted() throws -> Completion.Targets {
    guard let targets else { return .usual }
    if targets.lowercased() == "all" { return .all }
    return .these(try modalities(targets))
  }

  private func work(_ completion: Completion, _ model: TrainedModel, _ group: ProcessGroup?) throws {
    if level == .participant {
      Interruption.watch()
      let bar = SharedBar(ProgressBar("completing", unit: "people"))
      try completion.run(
        model, shouldStop: { Interruption.requested },
        progress: { done, total, _ in bar.show(done, of: total) })
    }
    // What follows is of everyone, and rank 0's.
    try group?.assemble()
    guard group.isFirst else { return }
    var people = completion.found()
    if level == .participant {
      let ids = Set(completion.people.map(\.id))
      people = people.filter { ids.contains($0.id) }
      for person in people {
        for line in [person.failure].compactMap({ $0 }) + (person.leftovers ?? []) {
          Console.note("\(person.id): \(line)")
        }
      }
      if people.allSatisfy({ $0.state == .whole }) {
        let who = participants.isEmpty && sessions.isEmpty ? "nobody" : "nobody who was named"
        Console.note(
          "\(bidsDir): \(who) lacks \(completion.wanted.titles); there is nothing to compute (--targets names others)"
        )
      }
    } else if people.isEmpty {
      throw Failure(.notFound, "\(output): nothing was completed there yet; begin with 'participant'")
    }
    try completion.writeTable()
    var bar = ProgressBar("drawing", unit: "people")
    let page = try CompletionPage(completion).write(
      drawing: Set(people.map(\.id)), voxelLimit: maxVoxels
    ) { bar.show($0, of: $1) }
    if level == .participant { try Interruption.release("stopped; what is done stays") }
    try Console.result(json ? people.json() : page)
    guard level == .participant, let failure = people.failure(naming: Console.isQuiet) else { return }
    // Where notes are shown, each was told of above.
    let more = Console.isQuiet ? "" : "; \(completion.folder(CompletionFolder.table)) says why"
    throw Failure(failure.kind, failure.message + more)
  }
}
