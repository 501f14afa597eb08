import Failures

/// How a method draws its images from noise, and what of it can be told otherwise after training.
public final class Sampling {
  /// The way from noise to an image.
  public enum Route: Sendable, Equatable {
    /// A diffusion's steps back, of which some can be left out; one evaluation of the network each.
    case diffusion
    /// A bridge, which goes the steps it was trained for; with at most so many evaluations each.
    case bridge(estimates: Int)
  }

  /// As images are drawn now.
  public var options: SamplingOptions
  /// As validation during training draws them: in few steps, where the route allows.
  public let validation: SamplingOptions
  /// Steps of the process that training knows.
  public let processSteps: Int
  public let route: Route

  public init(
    _ options: SamplingOptions, validation: SamplingOptions, processSteps: Int, route: Route = .diffusion
  ) {
    (self.options, self.validation) = (options, validation)
    (self.processSteps, self.route) = (processSteps, route)
  }

  /// Evaluations of the network that an image takes.
  public var passes: Int {
    switch route {
    case .diffusion: options.samples * (options.steps == 0 ? processSteps : options.steps)
    case .bridge(let estimates): options.samples * processSteps * estimates
    }
  }

  /// In words, as a reader of the result should know it: `DDIM, 50 of 1000 steps, 1 sample, seed 1`.
  public var description: String {
    let way = route == .diffusion ? options.way(of: processSteps) : "a bridge of \(processSteps) steps"
    return "\(way), \(options.samples) sample\(options.samples == 1 ? "" : "s"), seed \(options.seed)"
  }

  /// What of a change the route allows: a bridge's samples and seed alone.
  public func admitted(of change: SamplingChange) -> SamplingChange {
    guard route != .diffusion else { return change }
    var change = change
    (change.steps, change.sampler) = (nil, nil)
    return change
  }

  /// Draws otherwise from here on.
  /// - Throws: `.usage` for what the route does not allow, and for options that make no sense.
  public func change(_ change: SamplingChange) throws {
    guard admitted(of: change) == change else {
      throw Failure(
        .usage,
        "SelfRDB goes the \(processSteps) steps it was trained for: leave out \(Term.steps) and \(Term.sampler)")
    }
    let changed = change.applied(to: options)
    if let refusal = changed.refusal(of: processSteps) { throw Failure(.usage, refusal) }
    options = changed
  }
}
