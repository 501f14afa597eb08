import Experiments
import Failures
import Foundation
import Imaging
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import TestSupport
import Testing
import Torch
import Training

/// Training and synthesis in bfloat16 as on a GPU, here by the CPU's autocast: each in a process of its own, as the precision is a process's.
@Suite(.enabled(if: triesBfloat16)) struct PrecisionTests {
  /// Losses of some steps, and the method as they left it.
  private static func trained(_ pair: MethodCatalogTests.Pair, in precision: Precision, steps: Int = 5) throws
    -> (losses: [Loss], method: any Method)
  {
    LibTorch.precision = precision
    let method = try pair.make()
    let losses = (1...steps).flatMap {
      method.step(pair.batch(UInt64($0)), random: .init(seed: UInt64($0)))
    }
    return (losses, method)
  }

  private static func expectNearby(_ pair: MethodCatalogTests.Pair, within share: Double, steps: Int) throws {
    let (expected, _) = try trained(pair, in: .float32, steps: steps)
    let (found, method) = try trained(pair, in: .bf16, steps: steps)
    #expect(found != expected, "\(pair): bfloat16 changes nothing")
    for (found, expected) in zip(found, expected) {
      let distance = abs(found.value - expected.value)
      #expect(distance <= share * max(0.05, abs(expected.value)), "\(pair): \(found) instead of \(expected)")
    }
    for network in method.networks {
      let tensors = network.parameters.saved + (network.optimizer?.state ?? [])
      #expect(tensors.allSatisfy { $0.tensor.type == .float32 && $0.tensor.isFinite }, "\(pair)")
    }
    let image = method.generator.parameters.evaluating { method.synthesize(pair.batch().sources) }
    #expect(image.type == .float32 && image.isFinite, "\(pair)")
  }

  @Test func resUnetTrainsNearlyAsInFloat32() async {
    await #expect(processExitsWith: .success) {
      try PrecisionTests.expectNearby(.init(method: "pix2pix", network: "resunet"), within: 0.03, steps: 6)
    }
  }

  @Test func agiNetTrainsNearlyAsInFloat32() async {
    await #expect(processExitsWith: .success) {
      try PrecisionTests.expectNearby(.init(method: "pix2pix", network: "agi-net"), within: 0.03, steps: 6)
    }
  }

  /// Whatever norms, attention, embeddings and discriminators it has.
  @Test func everyMethodTrainsSo() async {
    await #expect(processExitsWith: .success) {
      for pair in MethodCatalogTests.pairs { try PrecisionTests.expectNearby(pair, within: 0.1, steps: 2) }
    }
  }

  /// The compared convolutions, whose own kernels do not know bfloat16.
  @Test func everyConvolutionTrainsSo() async {
    await #expect(processExitsWith: .success) {
      for network in ["deform-resunet", "deform2-resunet", "arc-resunet", "gra-resunet"] {
        try PrecisionTests.expectNearby(.init(method: "pix2pix", network: network), within: 0.1, steps: 2)
      }
    }
  }

  @Test func mapsAreOfBfloat16AndRoutingIsNot() async {
    await #expect(processExitsWith: .success) {
      LibTorch.precision = .bf16
      let method = try MethodCatalogTests.Pair(method: "pix2pix", network: "agi-net").make()
      let store = method.generator.parameters
      var types: [String: ElementType] = [:]
      store.observer = { types[$0] = $1.type }
      _ = store.evaluating { method.synthesize(MethodCatalogTests.batch().sources) }
      for (path, type) in types {
        #expect(type == (path.hasPrefix(ResUnet.features) ? .bfloat16 : .float32), "\(path) is \(type)")
      }
      #expect(types["\(ResUnet.features).body"] != nil)
      #expect(["gate", "offset", "scale"].allSatisfy { name in types.keys.contains { $0.hasSuffix(name) } })
    }
  }

  /// A patient's image is nearly that in float32, and its sidecar says what it is.
  @Test func aPatientIsSynthesisedNearlyAsInFloat32() async {
    await #expect(processExitsWith: .success) {
      let (scratch, model) = (try Scratch(), try Trained.model())
      let given: [(modality: Modality, path: String)] = [
        (.t1, try Trained.path(5, .t1)), (.t2, try Trained.path(5, .t2)),
      ]
      func made(_ name: String) throws -> (voxels: [Float], precision: String?) {
        let path = scratch("\(name).nii.gz")
        let sidecar = try PatientSynthesis(model: model, output: path).run(given)
        let written = try JSONSerialization.jsonObject(
          with: Data(contentsOf: URL(fileURLWithPath: scratch("\(name).json"))))
        #expect((written as? [String: Any])?["Precision"] as? String == sidecar.precision)
        return (try NIfTI.read(path: path).volume.voxels, sidecar.precision)
      }
      let exact = try made("float32")
      LibTorch.precision = .bf16
      let near = try made("bf16")
      #expect(exact.precision == nil && near.precision == "bfloat16" && near.voxels != exact.voxels)
      let errors = zip(near.voxels, exact.voxels).map { Double(abs($0 - $1)) }
      #expect(errors.reduce(0, +) < 0.02 * exact.voxels.reduce(0) { $0 + Double($1) })
    }
  }

  /// What was trained so says it, and is gone on with as if it had never stopped.
  @Test func aRunIsRecordedAndResumed() async {
    await #expect(processExitsWith: .success) {
      LibTorch.precision = .bf16
      let (scratch, cohort) = (try Scratch(), try Trained.cohort())
      let experiment = tinyExperiment(iterations: 4)
      let whole = try Run.train(experiment, on: cohort, into: scratch("whole")).folder
      var steps = 0
      _ = try failure {
        _ = try Run.train(
          experiment, on: cohort, into: scratch("parts"), shouldStop: { steps == 2 ? .interrupted : nil },
          observe: { if case .step(let iteration, _, _, _) = $0 { steps = iteration } })
      }
      var setting = Run.Setting()
      setting.resumes = true
      let parts = try Run.train(experiment, on: cohort, into: scratch("parts"), setting).folder
      #expect(try Run.precision(in: whole.path) == .bf16)
      #expect(contents(of: parts.last) != nil && contents(of: parts.last) == contents(of: whole.last))
    }
  }
}
