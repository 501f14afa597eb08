import Experiments
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Networks
import Torch

/// A patient's volume synthesised as `aginet synthesize` does it, in a process of its own.
struct SynthesisSection {
  var slices: Int
  var width: Int
  var threads: Int

  static let side = 256, batch = 2

  /// What the process reports, as JSON.
  struct Figures: Codable {
    var peakBytes: Int
    /// Seconds a slice: of the whole volume, reading included, and of batch inference alone.
    var volume: Double
    var inference: Double
  }

  func run() -> Section {
    note("synthesis of \(SynthesisSection.side) x \(SynthesisSection.side) x \(slices)")
    let figures: Figures? = Process.figuresOfOwn(MeasureSynthesis.arguments(self))
    let what = "\(SynthesisSection.side) x \(SynthesisSection.side) x \(slices) volume, width \(width)"
    let slower = figures.map { $0.volume / $0.inference }
    return Section(
      title: "Synthesising a volume",
      method:
        "AGI-Net, two sources, \(what), slices in batches of \(SynthesisSection.batch); reading, scaling and "
        + "putting back count for the volume, networks alone for batch inference (before and after it).",
      header: ["", "value"],
      rows: [
        ["peak memory", figures?.peakBytes.megabytes ?? ""],
        ["slices a second, the volume", figures.map { (1 / $0.volume).text(significant: 3) } ?? ""],
        ["slices a second, batch inference", figures.map { (1 / $0.inference).text(significant: 3) } ?? ""],
      ],
      goals: [
        Goal(
          "\(what) synthesised: peak memory", figures.map { Double($0.peakBytes) / 1.2e9 }, limit: 1,
          text: (figures?.peakBytes.megabytes ?? "", "<= 1200 MB")),
        Goal("\(what) synthesised: time against batch inference", slower, limit: 1.05),
      ])
  }

  /// What runs in the process of its own.
  func measured(_ files: [String]) throws -> Figures {
    var experiment = Experiment()
    experiment.network.width = width
    let method = try MethodCatalog.build(experiment, device: .cpu)
    method.generator.parameters.beginEvaluating()
    let side = SynthesisSection.side
    let card = ModelCard(
      scenario: experiment.scenario, extent: Extent(side, side), intensity: "", scales: [:],
      spacing: [1, 1, 1], sliceRule: "all", trainedOn: "", iterations: 0, score: nil, parameters: 0,
      versions: [:])
    let synthesizer = Synthesizer(method, card: card, device: .cpu)
    let batch = Tensor.uniform([SynthesisSection.batch, 2, side, side], seed: 1)
    let batches = max(2, slices / SynthesisSection.batch / 8)
    let inference = { timed { withoutGradient { for _ in 0..<batches { _ = method.synthesize(batch) } } } }
    _ = inference()
    var alone = inference()
    let whole = try timed {
      let volumes = try files.map { (name: $0, volume: try NIfTI.read(path: $0).volume) }
      _ = try synthesizer([.t1: volumes[0], .t2: volumes[1]], batchSize: SynthesisSection.batch)
    }
    alone += inference()
    return Figures(
      peakBytes: peakMemory() ?? 0, volume: whole / Double(slices),
      inference: alone / Double(2 * batches * SynthesisSection.batch))
  }
}
