import ArgumentParser
import Failures
import Foundation
import Layers
import Networks
import Torch

/// Whether a GPU computes what the CPU does in float32: outputs, loss and every gradient of both networks.
struct Parity: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a GPU's results with the CPU's; exits 10 where they differ by more than --within.")

  @Option(help: "The GPU: cuda or cuda:N.")
  var device = "cuda"
  @Option(help: "Largest difference allowed, of the largest value of each tensor.")
  var within = 1e-4
  @Option(help: "What the GPU computes in: float32, tf32 or bf16.", transform: Precision.named)
  var precision = Precision.float32
  @Option(help: "Channels of the first level.")
  var width = 32
  @Option(help: "Rows and columns.")
  var side = 128

  func run() throws {
    let gpu = try Device(named: device)
    var isGood = true
    for network in Network.allCases {
      LibTorch.precision = .float32
      let expected = results(network, .cpu)
      LibTorch.precision = precision
      let found = results(network, gpu)
      let differences = zip(expected, found).map { expected, found in
        (name: expected.name, value: difference(expected.values, found.values))
      }
      let worst = differences.max { $0.value < $1.value } ?? (name: "", value: .nan)
      isGood = isGood && differences.allSatisfy { $0.value <= within }
      print(
        "\(network.title) in \(precision.title): \(differences.count) tensors, largest difference",
        String(format: "%.2e", worst.value), "(\(worst.name)), allowed", String(format: "%.0e", within),
        differences.prefix(2).map { "; \($0.name) \(String(format: "%.2e", $0.value))" }.joined())
    }
    if !isGood { throw ExitCode(Failure.Kind.numerical.rawValue) }
  }

  private func results(_ network: Network, _ device: Device) -> [(name: String, values: [Float])] {
    let store = Parameters(seed: 1, device: device)
    let generator = network.generator(in: store, width: width)
    // The routing's heads start at zero; away from there all parts take part.
    for (name, tensor) in store.entries {
      tensor.assign(
        tensor.detached + .normal(tensor.shape, deviation: 0.01, seed: mix(2, name), device: device))
    }
    let sources = Tensor.uniform([2, Case.sources, side, side], seed: 3, device: device)
    let target = Tensor.uniform([2, 1, side, side], seed: 4, device: device)
    let output = generator(sources)
    let loss = output.meanSquaredError(target)
    loss.backward()
    return [("output", output.detached.values()), ("loss", [Float(loss.item)])]
      + store.entries.map { ("gradient of \($0.name)", $0.tensor.gradient?.values() ?? []) }
  }

  /// The largest difference, of the largest expected value; infinite where one side is missing or not a number.
  private func difference(_ expected: [Float], _ found: [Float]) -> Double {
    guard expected.count == found.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    let apart = zip(expected, found).map { abs($0 - $1) }
    guard apart.allSatisfy(\.isFinite), largest > 0 else { return .infinity }
    return Double((apart.max() ?? 0) / largest)
  }
}
