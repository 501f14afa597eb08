import Cohorts
import Experiments
import Failures
import Imaging
import Inference
import Methods
import Metrics
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Volumes and slabs from training to a patient's volume.
@Suite(.serialized) struct VolumeRunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func experiment(_ region: Region, _ network: String = "agi-net") -> Experiment {
    var experiment = tinyExperiment(iterations: 4)
    (experiment.region, experiment.network.name, experiment.network.groups) = (region, network, 2)
    experiment[Pix2Pix.self].weightAdversarial = 0
    (experiment.validateEvery, experiment.checkpointEvery) = (2, 2)
    return experiment
  }

  /// Trains, validates, resumes exactly, scores slices, and computes a patient's volume on its own grid.
  @Test(arguments: [Region.patch(Extent(8, 16, 16)), .slab(3)])
  func aRunGoesFromEndToEnd(_ region: Region) throws {
    let cohort = try makeCohort(scratch)
    let experiment = experiment(region)
    var scores: [Double] = []
    let run = try Run.train(
      experiment, on: cohort, into: scratch("whole"),
      observe: {
        if case .validated(_, let score, _) = $0 { scores.append(score.value) }
      })
    #expect(scores.count == 2 && scores.allSatisfy { $0.isFinite && $0 > 0 })

    var half = experiment
    half.iterations = 2
    _ = try Run.train(half, on: cohort, into: scratch("parts"))
    var setting = Run.Setting()
    setting.resumes = true
    let parts = try Run.train(experiment, on: cohort, into: scratch("parts"), setting)
    #expect(contents(of: run.folder.last) == contents(of: parts.folder.last))

    let model = try run.model(device: .cpu)
    #expect(model.card.extent == region.extent(ofSlices: cohort.manifest.extent))
    #expect((model.card.depth ?? 1) == region.depth)
    let assessment = try Assessment(of: [run], on: cohort, device: .cpu)
    let slices = try cohort.slices(in: .test).count
    #expect(assessment.models.allSatisfy { $0.slices.count == slices })
    #expect(assessment.models[0].slices.allSatisfy { ($0.values[.psnr] ?? 0) > 0 })

    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    for modality in experiment.scenario.sources {
      volumes[modality] = ("\(modality)", scan(modality, subject: 5))
    }
    let result = try model.synthesizer(volumes)
    #expect(result.volume.dimensions == scanSize && result.volume.affine == scan(.t1, subject: 5).affine)
    #expect(
      result.volume.voxels.allSatisfy { (0...1).contains($0) } && result.volume.voxels.contains { $0 > 0 })
  }

  /// What is scored is what a patient gets, where nothing is cropped: the same slices by both roads.
  @Test(arguments: [Region.slice, .slab(3), .patch(Extent(8, 32, 32))])
  func slicesAreThoseOfTheVolume(_ region: Region) throws {
    let cohort = try makeCohort(scratch)
    let run = try Run.train(experiment(region, "resunet"), on: cohort, into: scratch("run"))
    let model = try run.model(device: .cpu)
    let references = try cohort.slices(in: .test)
    let batch = try cohort.batches(of: references, scenario: model.card.scenario, batchSize: 8)[0]
    let slices = try model.slicePredictor(of: cohort)(batch) { _, _ in }
    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    for modality in model.card.scenario.sources {
      volumes[modality] = ("\(modality)", scan(modality, subject: 5))
    }
    let volume = try model.synthesizer(volumes).volume.reoriented(to: .lps)
    let (size, extent) = (volume.dimensions, batch.extent)
    for (index, reference) in batch.references.enumerated() {
      for row in 0..<size.y {
        for column in 0..<size.x {
          let place =
            (row + (extent.rows - size.y) / 2) * extent.columns + column + (extent.columns - size.x) / 2
          let scored = min(1, max(0, slices[index * extent.count + place]))
          // The store keeps sixteen bits.
          #expect(abs(scored - volume.voxels[(reference.slice * size.y + row) * size.x + column]) < 2e-3)
        }
      }
    }
  }

  @Test func whatCannotBeTrainedOnVolumesSaysSo() throws {
    var experiment = experiment(.patch(Extent(8, 16, 16)))
    experiment.network.name = "deform-resunet"
    #expect(throws: Failure.self) { try experiment.check() }
    for network in ["resunet", "agi-net", "published"] {
      for method in ["ddpm", "iddpm", "selfrdb"] {
        (experiment.method, experiment.network.name) = (method, network)
        let failure = try failure { try experiment.check() }
        #expect(failure.kind == .usage)
        #expect(
          failure.message == "method \(method) has no 3-D form: train it on slices (region slice) or slabs, "
            + "or volumes with pix2pix, pgan, mmgan, medsynth, unified")
      }
    }
    // Eight levels, made for slices of 256 x 256, whose zeros would be most of a patch.
    (experiment.method, experiment.network.name) = ("pix2pix", "pix2pix-unet")
    experiment.region = .patch(Extent(16, 32, 32))
    for padding in [false, true] {
      experiment[Pix2Pix.self].padding = padding
      let deep = try PipelineSupport.failure {
        try MethodCatalog.check(experiment, onSlices: Extent(32, 32))
      }
      #expect(
        deep.kind == .inconsistent && deep.message.contains("multiples of 256")
          && deep.message.hasSuffix("(network.name published)"), "\(deep.message)")
    }
    (experiment.method, experiment.network.name) = ("pix2pix", "resunet")
    experiment.region = .patch(Extent(8, 16, 4))
    let small = try PipelineSupport.failure {
      _ = try Run.train(experiment, on: makeCohort(scratch), into: scratch("run"))
    }
    #expect(
      small.message == "the patches are 8 x 16 x 4; pix2pix needs 8 x 8 x 8 or more, "
        + "train on larger patches (region patch:8x16x8)")
    #expect(small.kind == .inconsistent)
  }

  /// What a discriminator cannot judge, with what would help.
  @Test func patchesThatCannotBeJudgedSaySo() throws {
    var experiment = experiment(.patch(Extent(16, 96, 96)), "published")
    experiment.method = "medsynth"
    func refused(_ patch: Extent) throws -> String {
      experiment.region = .patch(patch)
      let failure = try failure { try MethodCatalog.check(experiment, onSlices: Extent(96, 96)) }
      #expect(failure.kind == .inconsistent)
      return failure.message
    }
    // The U-Net itself needs 32.
    #expect(try refused(Extent(16, 96, 96)).contains("medsynth needs 32 x 32 x 32 or more"))
    #expect(
      try refused(Extent(32, 96, 96)) == "the patches are 32 x 96 x 96; medsynth's discriminator needs "
        + "64 x 64 x 64 or more, train on larger patches (region patch:64x96x96), "
        + "or train without it: medsynth.weightAdversarial 0")
    #expect(
      try refused(Extent(48, 96, 96)) == "the patches are 48 x 96 x 96; medsynth's discriminator needs "
        + "64 x 64 x 64 or more, train on larger patches (region patch:64x96x96), "
        + "have it judge a smaller part (medsynth.judged 48), "
        + "or train without it: medsynth.weightAdversarial 0")
    experiment[MedSynth.self].judged = 48
    try MethodCatalog.check(experiment, onSlices: Extent(96, 96))
    experiment[MedSynth.self].judged = 32
    let wrong = try failure { try experiment.check() }
    #expect(wrong.kind == .usage && wrong.message.contains("medsynth.judged is 32; it must be from 40"))
  }

  /// The published generators on patches that a CPU can afford.
  @Test(arguments: [
    ("pix2pix", Extent(32, 32, 32)), ("pgan", Extent(24, 32, 24)), ("mmgan", Extent(32, 32, 32)),
    ("medsynth", Extent(40, 40, 40)),
  ])
  func publishedGeneratorsTrainOnPatches(_ method: String, _ patch: Extent) throws {
    let cohort = try makeCohort(scratch)
    var experiment = tinyExperiment(method: method, network: "published", iterations: 2)
    (experiment.region, experiment.batchSize) = (.patch(patch), 1)
    experiment = experiment.fitted(to: patch)
    let run = try Run.train(experiment, on: cohort, into: scratch("run"))
    let model = try run.model(device: .cpu)
    let image = withoutGradient { model.method.synthesize(.uniform([1, 2, 9, 8, 11], seed: 1)) }
    #expect(image.shape == [1, 1, 9, 8, 11] && image.isFinite)
  }
}
