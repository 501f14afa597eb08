import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import PipelineSupport
import Testing
import Torch

/// Models that come with the program: found, told from others, packed and averaged.
@Suite struct ShippedModelTests {
  private let scratch: Scratch
  private let models: [ShippedModel]

  init() throws {
    scratch = try Scratch()
    try scratch.write("the newer", to: "b.safetensors")
    try scratch.write("the older", to: "a.safetensors")
    models = try ["b", "a"].map { [scratch] name in
      ShippedModel(
        name: "\(name)-1", file: "\(name).safetensors",
        sha256: try SHA256.ofFile(scratch("\(name).safetensors")).digest, summary: "a test")
    }
  }

  @Test func theNewestIsFoundUnlessOneIsNamed() throws {
    let folders = [scratch("nowhere"), scratch.path]
    #expect(try ShippedModel.find(named: nil, among: models, in: folders) == scratch("b.safetensors"))
    #expect(try ShippedModel.find(named: "a-1", among: models, in: folders) == scratch("a.safetensors"))
    let unknown = try failure { _ = try ShippedModel.find(named: "a-2", among: models, in: folders) }
    #expect(unknown.kind == .usage && unknown.message.contains("did you mean a-1?"))
    let none = try failure { _ = try ShippedModel.find(named: nil, among: [], in: folders) }
    #expect(none.kind == .notFound)
  }

  @Test func anotherFileDoesNotPassForIt() throws {
    let lacking = try failure { _ = try ShippedModel.find(named: nil, among: models, in: [scratch("x")]) }
    #expect(lacking.kind == .notFound && lacking.message.contains("AGINET_MODELS"))
    try scratch.write("the newest", to: "b.safetensors")
    let other = try failure { _ = try ShippedModel.find(named: nil, among: models, in: [scratch.path]) }
    #expect(other.kind == .invalidModel && other.message.hasPrefix(scratch("b.safetensors")))
  }

  @Test func aUsersOwnFileIsNeverHiddenByAName() throws {
    let own = try scratch.write("own", to: "own.safetensors")
    func file(_ argument: String?) throws -> String {
      try ShippedModel.file(argument, among: models, in: [scratch.path])
    }
    #expect(try file(own) == own)
    #expect(try file("a-1") == scratch("a.safetensors"))
    #expect(try file(nil) == scratch("b.safetensors"))
    // A run folder is its model, once there is one.
    try FileManager.default.createDirectory(atPath: scratch("a-1"), withIntermediateDirectories: false)
    let lacking = try failure { _ = try file(scratch("a-1")) }
    #expect(lacking.kind == .notFound && lacking.message.contains("without a model.safetensors"))
    try scratch.write("trained", to: "a-1/model.safetensors")
    for run in [scratch("a-1"), scratch("a-1/")] {
      #expect(try file(run) == scratch("a-1/model.safetensors"))
    }
    // What is not there is told by whoever opens it.
    #expect(try file("runs/model.safetensors") == "runs/model.safetensors")
    let neither = try failure { _ = try file("c-1") }
    #expect(
      neither.kind == .usage
        && neither.message.hasPrefix("no such .safetensors file, and model c-1 is not known"))
    #expect(neither.message.hasSuffix("?"))
  }

  /// The list of the source and the files beside it are one.
  @Test func thoseOfThisVersionAreWhole() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appendingPathComponent("Support/models").path
    for model in ShippedModel.all {
      let path = try ShippedModel.find(named: model.name, among: ShippedModel.all, in: [folder])
      let trained = try TrainedModel(file: path, device: .cpu)
      #expect(trained.card.publication?.name == model.name)
      #expect(trained.card.publication?.anatomies?.isEmpty == false)
      // However large the batches were that it was trained in, it is a start for any machine, and loses little where that is stopped.
      let start = try ModelStart(file: path)
      #expect(start.trained.batchSize >= 4 && start.experiment.batchSize == 4)
      #expect((4e-5...6.1e-5).contains(start.experiment.learningRate), "\(model.name)")
      let others = start.experiment.physics.options.anatomy.otherPlanes
      #expect((others > 0) == (trained.card.planes != nil), "\(model.name)")
      #expect(start.experiment.checkpointEvery * 4 <= start.experiment.iterations)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(
      Set(names.filter { $0.hasSuffix(".safetensors") }) == Set(ShippedModel.all.map(\.file)),
      "a model that the source does not know, or lacks")
    // What the newest tells is what is written here.
    let card = try ModelCard.Publication(file: folder + "/card.json")
    let newest = try TrainedModel(
      file: ShippedModel.find(named: nil, among: ShippedModel.all, in: [folder]), device: .cpu)
    #expect(newest.card.publication == card)
    #expect(card.anatomies?.allSatisfy { !$0.terms.isEmpty } == true)
  }

  private let publication = ModelCard.Publication(
    name: "tiny-1", licence: "Apache-2.0", anatomies: [.init(name: "a phantom", terms: "none")],
    limits: ["It was trained for a moment."],
    results: [.init(person: "01", task: "T1, T2 -> PD", model: 12.345, copy: 10, remark: "one of one")],
    citations: ["Nobody, 2026"])

  @Test func aPackedModelComputesTheSameAndTellsItsCard() throws {
    let model = try Trained.model()
    try model.pack(as: publication, to: scratch("packed.safetensors"))
    let packed = try TrainedModel(file: scratch("packed.safetensors"), device: .cpu)
    #expect(packed.card.publication == publication && packed.name == "tiny-1")
    #expect(publication.results?[0].words == "01, T1, T2 -> PD: 12.35, copy 10.00 (one of one)")
    func size(_ path: String) throws -> Int { try #require(contents(of: path)).count }
    // Half the bytes of the weights; headers stay.
    let weights = 4 * model.card.parameters
    let saved = try size(model.file) - size(packed.file)
    #expect(abs(saved - weights / 2) < 4096, "\(saved) of \(weights)")
    let input = Tensor.uniform([1, 2, 32, 32], low: 0, high: 1, seed: 3)
    let images = [model, packed].map {
      withoutGradient { [method = $0.method] in
        method.synthesize(input, present: nil) { _, _ in }.values(Float.self)
      }
    }
    let largest = zip(images[0], images[1]).map { abs($0 - $1) }.max() ?? 1
    #expect(largest > 0 && largest < 2e-3)
  }

  @Test func cardsOfBeforeStillRead() throws {
    let card = try Trained.model().card
    let json = try card.json
    #expect(!json.contains("publication"))
    #expect(try ModelCard(json: json, file: "old").publication == nil)
  }

  @Test func aCardThatSaysTooLittleIsRefusedWithItsPlace() throws {
    let file = try scratch.write(#"{"name": "x"}"#, to: "card.json")
    let short = try failure { _ = try ModelCard.Publication(file: file) }
    #expect(short.kind == .malformed && short.message.contains("licence"))
    #expect(try failure { _ = try ModelCard.Publication(file: scratch("none.json")) }.kind == .notFound)
  }

  /// A model that went on from one that is a mean itself: images that all of them saw are told once.
  @Test func whatModelsSawIsToldOnce() {
    let images = "heads computed of 33 label maps (a, b, c)"
    let first = "\(images); begun with the weights of a model with SHA-256 1"
    let second = "\(images); begun with the weights of a model with SHA-256 2"
    #expect(
      TrainedModel.words(second, after: first) == "the same; begun with the weights of a model with SHA-256 2"
    )
    let mean = "\(second); weights averaged, 0.5 of them of a model trained on \(first)"
    #expect(!TrainedModel.words(mean, after: first).contains("label maps"))
    #expect(TrainedModel.words(images, after: first) == "the same")
    #expect(TrainedModel.words("\(images), cut", after: images) == "the same, cut")
    #expect(TrainedModel.words("\(images) and others", after: "scans of a cohort") == "\(images) and others")
  }

  @Test func theMeanLiesBetween() throws {
    let (model, other) = (try Trained.model(), try Trained.model())
    let name = try #require(model.method.generator.parameters.saved.first?.name)
    func values(_ model: TrainedModel) throws -> [Float] {
      try #require(model.method.generator.parameters[name]).values(Float.self)
    }
    let start = try values(model)
    for (_, tensor) in other.method.generator.parameters.saved { withoutGradient { tensor.fill(0) } }
    try model.average(with: other, share: 0.25, to: scratch("mean.safetensors"))
    let mean = try values(TrainedModel(file: scratch("mean.safetensors"), device: .cpu))
    #expect(zip(mean, start).allSatisfy { abs($0 - 0.75 * $1) < 1e-6 })
    #expect(try TrainedModel(file: scratch("mean.safetensors"), device: .cpu).card.score == nil)
  }
}
