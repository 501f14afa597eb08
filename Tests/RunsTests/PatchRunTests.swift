import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Patches that are larger than a cohort's volumes, or than memory.
@Suite(.serialized) struct PatchRunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func experiment(_ patch: Extent, iterations: Int = 4) -> Experiment {
    var experiment = tinyExperiment(iterations: iterations)
    (experiment.region, experiment.network.name, experiment.network.blocks) = (.patch(patch), "resunet", 1)
    experiment[Pix2Pix.self].weightAdversarial = 0
    (experiment.validateEvery, experiment.checkpointEvery) = (2, 2)
    return experiment
  }

  /// It trains on what the volumes need, says so, and keeps what was asked for; resuming is exact.
  @Test func aPatchIsNoLargerThanTheVolumes() throws {
    let cohort = try makeCohort(scratch)
    let (asked, needed) = (Extent(96, 96, 96), Extent(8, 32, 32))
    #expect(cohort.largestVolume == Extent(6, 30, 28))
    var notes: [String] = []
    let run = try Run.train(
      experiment(asked), on: cohort, into: scratch("asked"),
      observe: { if case .note(let note) = $0 { notes.append(note) } })
    #expect(notes == ["patches of 8x32x32: the volumes have at most 6 planes, 30 rows, 28 columns"])
    #expect(run.experiment.region == .patch(asked))
    let model = try run.model(device: .cpu)
    #expect(model.card.extent == needed && model.card.region == .patch(needed))
    #expect(model.experiment.region == .patch(asked))

    _ = try Run.train(experiment(asked, iterations: 2), on: cohort, into: scratch("parts"))
    var setting = Run.Setting()
    setting.resumes = true
    let parts = try Run.train(experiment(asked), on: cohort, into: scratch("parts"), setting)
    #expect(contents(of: run.folder.last) == contents(of: parts.folder.last))

    // To the bit what the smaller patch gives, which says nothing of it.
    notes = []
    let small = try Run.train(
      experiment(needed), on: cohort, into: scratch("needed"),
      observe: { if case .note(let note) = $0 { notes.append(note) } })
    #expect(notes.isEmpty)
    let (first, second) = (
      try Safetensors(contentsOf: run.folder.model), try Safetensors(contentsOf: small.folder.model)
    )
    for (name, tensor) in model.method.generator.parameters.saved {
      let full = "\(model.method.generator.name).\(name)"
      let values = try first.values(of: full, as: Float.self)
      #expect(try values == second.values(of: full, as: Float.self) && values.count == tensor.count)
    }
    // And scored by what it was trained on.
    let slices = try cohort.batches(in: .test, scenario: model.card.scenario, batchSize: 5)[0]
    let predicted = try model.slicePredictor(of: cohort)(slices) { _, _ in }
    #expect(predicted.count == slices.count * slices.extent.count && predicted.contains { $0 > 0 })
  }

  /// Networks that need more than the volumes have get it, as far as it was asked for.
  @Test func networksGetWhatTheyNeed() throws {
    let cohort = try makeCohort(scratch)
    var segmentation = experiment(Extent(96, 96, 96))
    segmentation.method = "segmentation"
    #expect(
      try segmentation.fitted(toVolumes: cohort.largestVolume).region
        == experiment(Extent(96, 96, 96)).fitted(toVolumes: cohort.largestVolume).region)
    var slices = experiment(Extent(96, 96, 96))
    slices.region = .slab(3)
    #expect(try slices.fitted(toVolumes: cohort.largestVolume) == slices)
  }

  /// What training takes is tried on patches of half the sides, where the networks can be trained on those.
  @Test func trialsAreSmallWhereTheyCanBe() throws {
    func sides(_ patch: Extent, _ network: String = "resunet", method: String = "pix2pix") throws -> [Int] {
      var experiment = experiment(patch)
      (experiment.method, experiment.network.name) = (method, network)
      return try experiment.trialExtent(ofSlices: Extent(32, 32)).sizes
    }
    #expect(try sides(Extent(96, 64, 32)) == [48, 32, 16])
    // Zeros would be put around them, or nothing but a voxel would be left at the deepest level.
    #expect(try sides(Extent(80, 96, 96)) == [80, 96, 96])
    #expect(try sides(Extent(32, 32, 32), "medsynth-unet") == [32, 32, 32])
    #expect(try sides(Extent(64, 64, 64), "medsynth-unet") == [32, 32, 32])
    var slices = experiment(Extent(96, 96, 96))
    slices.region = .slice
    #expect(try slices.trialExtent(ofSlices: Extent(64, 32)) == Extent(64, 32))
  }

  /// Before a folder is made.
  @Test func memoryThatIsNotThereIsNotAskedFor() throws {
    let huge = experiment(Extent(2000, 2000, 2000))
    let limit = MemoryLimit.of(root: "/nowhere", limits: [64 << 30])
    let refusal = try failure {
      try huge.checkMemory(onSlices: Extent(32, 32), trains: true, device: .cpu, limit: limit)
    }
    #expect(
      refusal.kind == .limit && refusal.message.contains("64 GiB") && refusal.message.contains("region"))
    try huge.checkMemory(onSlices: Extent(32, 32), trains: true, device: .cpu, limit: nil)
    // 34 million voxels: two sources, target, image and its gradient, four maps of four channels and a gradient, four bytes each.
    let large = experiment(Extent(256, 256, 512))
    func passes(_ mebibytes: Int) -> Bool {
      let limit = MemoryLimit.of(root: "/nowhere", limits: [mebibytes << 20])
      return (try? large.checkMemory(onSlices: Extent(32, 32), trains: true, device: .cpu, limit: limit))
        != nil
    }
    #expect(!passes(2 * 128 * 25 - 64) && passes(2 * 128 * 25 + 64))
    // As a model one image at a time: two sources, the image and a map.
    func serves(_ mebibytes: Int) throws {
      let limit = MemoryLimit.of(root: "/nowhere", limits: [mebibytes << 20])
      try large.checkMemory(ofModel: "m.safetensors", on: Extent(256, 256, 512), device: .cpu, limit: limit)
    }
    try serves(128 * 7 + 64)
    let file = try failure { try serves(128 * 7 - 64) }
    #expect(file.kind == .limit && file.message.hasPrefix("m.safetensors: an image of 256 x 256 x 512"))
    // On this cohort that is a small patch.
    let cohort = try makeCohort(scratch)
    _ = try Run.train(experiment(Extent(2000, 2000, 2000), iterations: 1), on: cohort, into: scratch("run"))
    let estimate = try Run.estimate(huge, on: cohort)
    #expect(estimate.samples == "patches" && estimate.batches == 4 && !estimate.isTooLarge)
  }
}
