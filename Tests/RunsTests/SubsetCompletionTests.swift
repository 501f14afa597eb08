import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// A data set whose people lack different contrasts, and a model that makes whatever is missing of T1, T2 and PD.
@Suite struct AnySubsetCompletionTests {
  private let scratch: Scratch
  private let model: TrainedModel

  init() throws {
    scratch = try Scratch()
    model = try Trained.anySubset()
    // Heads of a quarter of a litre.
    let there: [Int: [Modality]] = [1: [.t1], 2: [.t1, .t2], 3: [.t2, .pd]]
    for (subject, modalities) in there {
      for modality in modalities {
        let path = bidsPath(scratch("raw"), subject, modality)
        try FileManager.default.createDirectory(
          atPath: Path.folder(path), withIntermediateDirectories: true)
        try NIfTI.write(scan(modality, subject: subject, size: [64, 72, 24]), to: path)
      }
    }
  }

  private func complete(
    _ targets: Completion.Targets, replaces: Bool = true
  ) throws -> [CompletedPerson] {
    var options = Completion.Options()
    (options.targets, options.replaces, options.acceptsDoubts) = (targets, replaces, replaces)
    let completion = try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: model, into: scratch("out"), options)
    try completion.run(model)
    return completion.found()
  }

  @Test func everyoneGetsWhatTheyLack() throws {
    let usual = try complete(.usual)
    #expect(usual.map(\.lacking) == [[.t2], [], [.t1]])
    #expect(usual.map(\.state) == [.completed, .whole, .completed])
    let all = try complete(.all)
    #expect(all.map(\.lacking) == [[.t2, .pd], [.pd], [.t1]])
    #expect(all.map { $0.images.map(\.modality) } == all.map(\.lacking))
    // Where two are given, each was hidden in turn.
    #expect(all.map { $0.reliability == nil } == [true, false, false])
    #expect(all[1].reliabilityWords?.contains("T1") == true)
    #expect(try complete(.these([.pd])).map(\.lacking) == [[.pd], [.pd], []])
    // Whoever asks for other contrasts gets pictures of those.
    let figures = try [Completion.Targets.all, .these([.pd])].map { try complete($0).map(\.figure) }
    #expect(figures[0][0] == "sub-01/figures/sub-01_desc-T1toT2PD.png")
    #expect(figures[1][0] == "sub-01/figures/sub-01_desc-T1toPD.png")
    #expect(figures[0][1] == figures[1][1] && figures[1][2] == nil)
  }

  /// What the model was not made for is refused for each, unless one insists.
  @Test func whomTheModelDoesNotServeIsRefused() throws {
    let path = bidsPath(scratch("raw"), 1, .t1)
    try FileManager.default.removeItem(atPath: path)
    try NIfTI.write(scan(.t1, subject: 1), to: path)
    let person = try #require(complete(.these([.t2]), replaces: false).first)
    #expect(person.state == .failed && person.code == Failure.Kind.refused.rawValue)
    #expect(person.images.isEmpty && !FileManager.default.fileExists(atPath: scratch("out/sub-01/figures")))
    let insisted = try #require(complete(.these([.t2])).first)
    #expect(insisted.state == .completed && !insisted.notes.isEmpty)
  }
}
