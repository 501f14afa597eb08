import Cohorts
import Failures
import Imaging
import Layers
import Methods
import Torch

/// The one road through a network: plain numbers become tensors, go through in test mode, and come back as numbers.
///
/// Progress and cancelling are one closure: it is called after each pass through the network, and what it throws ends the
/// prediction.
public struct Predictor {
  public let method: any Method
  /// What is computed of what: the order of the network's channels.
  public let scenario: Scenario
  public let device: Device

  public init(_ method: any Method, for scenario: Scenario, device: Device) {
    (self.method, self.scenario, self.device) = (method, scenario, device)
  }

  /// The target of every sample: `count x outputs x extent`, not clamped.
  /// - Parameter passed: passes through the network, done and in all.
  /// - Throws: `.numerical` where the network gives values that are not finite; what `passed` throws.
  public func callAsFunction(_ samples: SampleBatch, passed: (Int, Int) throws -> Void = { _, _ in }) throws
    -> [Float]
  {
    try samples.checked(
      self(
        samples.sources(of: scenario, on: device), present: samples.presence(of: scenario, on: device),
        passed: passed))
  }

  /// `[B, S, spatial…]` to `B x outputs x spatial…` values; `present` as a batch's.
  func callAsFunction(_ sources: Tensor, present: Tensor? = nil, passed: (Int, Int) throws -> Void) throws
    -> [Float]
  {
    try method.generator.parameters.evaluating {
      try method.synthesize(sources, present: present, passed: passed).values()
    }
  }
}

extension SampleBatch {
  /// Predicted values as they are.
  /// - Throws: `.numerical`, naming the sample, where they are not all finite.
  public func checked(_ values: [Float]) throws -> [Float] {
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure(
        .numerical,
        "the network gives \(values[place]) for \(references[place / (values.count / count)])")
    }
    return values
  }

  /// `[count, sources * depth] + extent`
  fileprivate func sources(of scenario: Scenario, on device: Device) -> Tensor {
    Tensor(
      stacked(scenario.sources), shape: [count, scenario.sources.count * depth] + extent.sizes, device: device
    )
  }

  /// `[count, sources]`: 1 for what a sample has, 0 for what it lacks; nil where all of them have all.
  fileprivate func presence(of scenario: Scenario, on device: Device) -> Tensor? {
    let flags = present.flatMap { has in scenario.sources.map { has.contains($0) ? 1 as Float : 0 } }
    return flags.allSatisfy { $0 == 1 }
      ? nil : Tensor(flags, shape: [count, scenario.sources.count], device: device)
  }
}

extension Batch {
  /// Plain numbers become tensors here, on the training thread: sources `[count, sources * depth] + extent`, the target
  /// (of a slab its middle plane) `[count, contrasts] + extent`.
  /// - Parameter group: the processes that have the rest of the batch.
  public init(_ samples: SampleBatch, _ scenario: Scenario, device: Device, group: ProcessGroup? = nil) {
    self.init(
      sources: samples.sources(of: scenario, on: device),
      target: Tensor(
        samples.target(of: scenario),
        shape: [samples.count, max(1, scenario.made.count)] + samples.extent.sizes, device: device),
      present: samples.presence(of: scenario, on: device),
      weights: samples.weights.map {
        Tensor($0, shape: [samples.count, 1] + samples.extent.sizes, device: device)
      }, group: group)
  }
}

extension SampleBatches {
  /// Predicts batch after batch, and hands each on with what came out.
  /// - Parameters:
  ///   - predict: a `Predictor`, or what makes a baseline; calls its argument after each pass.
  ///   - progress: samples done, of how many; where a sample takes many passes, as they come along.
  public func predicted(
    by predict: @escaping (SampleBatch, _ passed: (Int, Int) throws -> Void) throws -> [Float],
    progress: (Int, Int) throws -> Void, each: (SampleBatch, [Float]) throws -> Void
  ) throws {
    var done = 0
    for number in indices {
      let batch = try self[number]
      let values = try predict(batch) { passes, all in
        if passes < all { try progress(done + batch.count * passes / all, sampleCount) }
      }
      try each(batch, values)
      done += batch.count
      try progress(done, sampleCount)
    }
  }
}
