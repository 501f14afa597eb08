import Layers
import Torch

/// A feature map on which operators are timed: those of a network of full width at 256 x 256.
struct Map: Sendable, CustomStringConvertible {
  var batch: Int, channels: Int, side: Int

  var description: String { "batch \(batch), \(channels) channels, \(side) x \(side)" }

  static func all(batches: [Int], quick: Bool) -> [Map] {
    batches.flatMap { batch in
      [(64, 256), (128, 128), (256, 64), (512, 32)]
        .map { Map(batch: batch, channels: $0.0, side: quick ? $0.1 / 2 : $0.1) }
    }
  }

  func tensor() -> Tensor { .uniform([batch, channels, side, side], seed: 5).channelsLast() }
}

/// Something that a network computes on a feature map, for timing: add a line to `all` to have it measured.
struct Operator: Sendable {
  var name: String
  /// What runs forward once; its result, where gradients are asked for, is differentiated from its mean.
  var prepare: @Sendable (Map) -> (Tensor) -> Tensor

  static let all = [
    layer("convolution", .standard),
    layer("CAGR", .cagr(groups: 8)),
    layer("CAGR, attention alone", .cagr(groups: 8, rolls: false)),
    layer("CAGR, rolling alone", .cagr(groups: 8, attends: false)),
    layer("DCNv3", .dcnv3),
    layer("DCNv2", .dcnv2),
    layer("ARC, 4 kernels", .arc(kernels: 4)),
    layer("GRA", .gra(groups: 8)),
    Operator(name: "a pass: x * gate") { map in
      let gate = Tensor.uniform([map.batch, map.channels, 1, 1], seed: 6)
      return { $0 * gate }
    },
    Operator(name: "a pass: mean over space") { _ in { $0.mean(over: [2, 3]) } },
  ]

  private static func layer(_ name: String, _ kind: ConvolutionKind) -> Operator {
    Operator(name: name) { map in
      let layer = kind(Parameters(seed: 4).root, ConvolutionShape(map.channels, map.channels))
      return { layer($0) }
    }
  }
}

/// Single operators, forward and with their gradients, against the plain convolution of the same shape.
struct OperatorSection {
  var maps: [Map]
  var repeats: Int

  func run() throws -> Section {
    var section = Section(
      title: "Operators",
      method:
        "Kernel 3 x 3, as many channels out as in, n = 8; ratios to the plain convolution of the same shape.",
      header: ["what", "forward", "ratio", "forward and backward", "ratio"], rows: [])
    for map in maps {
      note("operators, \(map)")
      let x = map.tensor()
      let forward = Operator.all.map { item -> Contender in
        let run = item.prepare(map)
        return warmed { withoutGradient { _ = run(x) } }
      }
      let both = Operator.all.map { item -> Contender in
        let run = item.prepare(map)
        let input = x.copied()
        input.requiresGradient = true
        return warmed {
          input.clearGradient()
          run(input).mean().backward()
        }
      }
      let times = try alternating(forward, repeats: repeats)
      let gradients = try alternating(both, repeats: repeats)
      for (index, item) in Operator.all.enumerated() {
        section.rows.append([
          "\(item.name), \(map)", times[index]?.text ?? "", ratioText(times[index], times[0]),
          gradients[index]?.text ?? "", ratioText(gradients[index], gradients[0]),
        ])
      }
    }
    return section
  }
}
