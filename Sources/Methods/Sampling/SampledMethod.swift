import Failures
import Torch

/// A method whose images are drawn, in a way that can be changed after training.
public protocol SampledMethod: StepwiseMethod {
  /// How `synthesize` draws.
  var sampling: SamplingOptions { get set }
  /// How validation during training draws: in few steps, without chance.
  var validationSampling: SamplingOptions { get }
  /// Steps of the process that training knows.
  var processSteps: Int { get }
}

extension SampledMethod {
  public var drawing: String { sampling.description(of: processSteps) }

  public func redraw(_ change: SamplingChange) throws {
    let sampling = change.applied(to: sampling)
    if let refusal = sampling.refusal(of: processSteps) { throw Failure(.usage, refusal) }
    self.sampling = sampling
  }
}

extension Method {
  /// How images are drawn, in words; nil where they are made in one pass.
  public var samplingDescription: String? { (self as? any StepwiseMethod)?.drawing }

  /// Draws otherwise from here on.
  /// - Throws: `.usage` for a method that draws nothing, or options that make no sense.
  public func change(_ change: SamplingChange) throws {
    guard !change.isEmpty else { return }
    guard let method = self as? any StepwiseMethod else {
      throw Failure(.usage, "this model makes an image in one pass: there are no sampling steps to choose")
    }
    try method.redraw(change)
  }

  /// Runs `body` with images drawn as validation does.
  public func validating<R>(_ body: () throws -> R) rethrows -> R {
    guard let method = self as? any SampledMethod else { return try body() }
    let before = method.sampling
    method.sampling = method.validationSampling
    defer { method.sampling = before }
    return try body()
  }

  /// `synthesize`, which reports after each of its passes through the network how many it has done, of how many.
  public func synthesize(_ sources: Tensor, passed: (Int, Int) throws -> Void) throws -> Tensor {
    guard let stepwise = self as? any StepwiseMethod else {
      let image = synthesize(sources)
      try passed(1, 1)
      return image
    }
    // What the reader throws has to wait for the image.
    var failure: (any Error)?
    let image = withoutActuallyEscaping(passed) { passed in
      let (observer, total) = (stepwise.stepObserver, stepwise.stepsPerImage)
      stepwise.stepObserver = { done in
        if failure == nil { do { try passed(done, total) } catch { failure = error } }
      }
      defer { stepwise.stepObserver = observer }
      return synthesize(sources)
    }
    if let failure { throw failure }
    return image
  }
}
