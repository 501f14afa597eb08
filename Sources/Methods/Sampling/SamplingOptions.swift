import Files

/// The way from noise back to an image.
public enum Sampler: String, Choice {
  /// Every step draws from the learned distribution of what came before (Ho et al. 2020).
  case ancestral
  /// Steps along the same marginals with little or no fresh noise (Song et al. 2021): good with few steps.
  case ddim
}

/// How images are drawn from a diffusion model.
public struct SamplingOptions: Codable, Sendable, Equatable {
  public var sampler = Sampler.ancestral
  /// Steps to take of those that training knows, evenly spread; 0 takes all.
  public var steps = 0
  /// DDIM's fresh noise: 0 is deterministic, 1 is as much as ancestral sampling has.
  public var eta = 0.0
  /// Images drawn for each that is returned, which is their mean: nearer to the truth on average, and smoother.
  public var samples = 1
  /// Decides the noise, which is the same for all slices.
  public var seed: UInt64 = 1

  public init(
    sampler: Sampler = .ancestral, steps: Int = 0, eta: Double = 0, samples: Int = 1, seed: UInt64 = 1
  ) {
    (self.sampler, self.steps, self.eta) = (sampler, steps, eta)
    (self.samples, self.seed) = (samples, seed)
  }

  /// What is wrong with them for a process of so many steps, or nil.
  public func refusal(of count: Int) -> String? {
    guard steps >= 0 else { return "steps is \(steps); it must be 0 (all) or more" }
    guard (0...1).contains(eta) else { return "eta is \(eta); it must be from 0 to 1" }
    guard (1...1000).contains(samples) else { return "samples is \(samples); it must be from 1 to 1000" }
    return steps <= count ? nil : "steps is \(steps), but the process has \(count); 0 takes all"
  }

  /// Sampler and steps in words: `DDIM, 50 of 1000 steps`.
  func way(of count: Int) -> String {
    let how = sampler == .ancestral ? "ancestral sampling" : eta == 0 ? "DDIM" : "DDIM with eta \(eta)"
    return "\(how), \(steps == 0 ? count : steps) of \(count) steps"
  }
}

/// What a user changes of `SamplingOptions` after training; what is nil stays.
public struct SamplingChange: Sendable, Equatable {
  public var sampler: Sampler?, steps: Int?, samples: Int?, seed: UInt64?
  public init() {}

  public var isEmpty: Bool { self == SamplingChange() }

  func applied(to options: SamplingOptions) -> SamplingOptions {
    var options = options
    if let sampler { options.sampler = sampler }
    if let steps { options.steps = steps }
    if let samples { options.samples = samples }
    if let seed { options.seed = seed }
    return options
  }
}
