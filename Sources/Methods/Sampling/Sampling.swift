import Failures

/// How a method draws its images from noise, and what of it can be told otherwise after training.
public final class Sampling {
  /// As images are drawn now.
  public var options: SamplingOptions
  /// As validation during training draws them: in few steps, where the route allows.
  public let validation: SamplingOptions
  /// Steps of the process that training knows.
  public let processSteps: Int
  /// Evaluations of the network, at most, at each step of a bridge, which goes all the steps it was trained for; nil of a
  /// diffusion, whose steps back are one evaluation each, and of which some can be left out.
  public let estimates: Int?

  public init(
    _ options: SamplingOptions, validation: SamplingOptions, processSteps: Int, estimates: Int? = nil
  ) {
    (self.options, self.validation) = (options, validation)
    (self.processSteps, self.estimates) = (processSteps, estimates)
  }

  /// Evaluations of the network that an image takes.
  public var passes: Int {
    guard let estimates else {
      return options.samples * (options.steps == 0 ? processSteps : options.steps)
    }
    return options.samples * processSteps * estimates
  }

  /// In words, as a reader of the result should know it: `DDIM, 50 of 1000 steps, 1 sample, seed 1`.
  public var description: String {
    let way = estimates == nil ? options.way(of: processSteps) : "a bridge of \(processSteps) steps"
    return "\(way), \(options.samples) sample\(options.samples == 1 ? "" : "s"), seed \(options.seed)"
  }

  /// What of a change the way allows: a bridge's samples and seed alone.
  public func admitted(of change: SamplingChange) -> SamplingChange {
    guard estimates != nil else { return change }
    var change = change
    (change.steps, change.sampler) = (nil, nil)
    return change
  }

  /// Draws otherwise from here on.
  /// - Throws: `.usage` for what the way does not allow, and for options that make no sense.
  public func change(_ change: SamplingChange) throws {
    guard admitted(of: change) == change else {
      throw Failure(
        .usage,
        "SelfRDB goes the \(processSteps) steps it was trained for: leave out \(Term.steps) and \(Term.sampler)"
      )
    }
    let changed = change.applied(to: options)
    if let refusal = changed.refusal(of: processSteps) { throw Failure(.usage, refusal) }
    options = changed
  }
}
