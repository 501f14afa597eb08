import Files
import Torch

/// What variance a step back draws with.
public enum ReverseVariance: String, Choice {
  /// β_t ("fixed large").
  case large
  /// The posterior's ("fixed small").
  case small
}

/// What a network says of a noised image.
package struct NoisePrediction {
  /// ε, or what else the network was asked for.
  package let noise: Tensor
  /// v in about [-1, 1]: where between the posterior's and β_t the log-variance lies; nil where it is not learned.
  package let range: Tensor?
  package init(noise: Tensor, range: Tensor? = nil) { (self.noise, self.range) = (noise, range) }
}

/// From noise back to an image.
package struct ReverseProcess {
  let schedule: NoiseSchedule, sampling: SamplingOptions, variance: ReverseVariance, target: DenoisingTarget

  /// - Parameters:
  ///   - schedule: that of training; what `sampling` leaves out is left out here.
  ///   - variance: where the network does not say it.
  ///   - target: what the network says.
  package init(
    _ schedule: NoiseSchedule, _ sampling: SamplingOptions, variance: ReverseVariance = .large,
    target: DenoisingTarget = .noise
  ) {
    self.schedule = sampling.steps == 0 ? schedule : schedule.respaced(sampling.steps)
    (self.sampling, self.variance, self.target) = (sampling, variance, target)
  }

  /// Network evaluations for one image.
  package var evaluations: Int { schedule.count * sampling.samples }

  /// The mean of `samples` images in [-1, 1], in the shape of `image`.
  /// - Parameters:
  ///   - passed: what it throws ends the drawing.
  ///   - predict: (x_t, times `[B]`) to what the network says.
  package func callAsFunction(
    like image: Tensor, passed: Passed, _ predict: (Tensor, Tensor) -> NoisePrediction
  ) rethrows -> Tensor {
    var sum = try draw(0, like: image, passed, predict)
    for sample in 1..<max(1, sampling.samples) {
      sum = sum + (try draw(sample, like: image, passed, predict))
    }
    return sampling.samples > 1 ? sum / Double(sampling.samples) : sum
  }

  private func draw(
    _ sample: Int, like image: Tensor, _ passed: Passed, _ predict: (Tensor, Tensor) -> NoisePrediction
  ) rethrows -> Tensor {
    let fresh = SamplingNoise(seed: sampling.seed, sample: sample)
    var x = fresh(like: image, step: schedule.count)
    for step in schedule.betas.indices.reversed() {
      let steps = Array(repeating: step, count: x.size(0))
      let prediction = predict(x, schedule.times(at: steps, like: x))
      x = back(x, prediction, step) { fresh(like: x, step: step) }
      try passed((sample + 1) * schedule.count - step, evaluations)
    }
    return x
  }

  /// x_{t-1} of x_t.
  private func back(_ x: Tensor, _ prediction: NoisePrediction, _ step: Int, _ fresh: () -> Tensor) -> Tensor
  {
    let steps = Array(repeating: step, count: x.size(0))
    let told = schedule.noise(of: prediction.noise, target, in: x, at: steps)
    let image = schedule.image(in: x, without: told, at: steps).clamped(-1, 1)
    switch sampling.sampler {
    case .ancestral:
      let mean = schedule.posteriorMean(image, x, at: steps)
      // The last step adds nothing.
      guard step > 0 else { return mean }
      let logVariance = logVariance(prediction.range, at: steps, like: x)
      return mean + fresh() * (logVariance * 0.5).exp()
    case .ddim:
      let (left, leftBefore) = (schedule.alphaBars[step], schedule.alphaBarsBefore[step])
      let deviation =
        sampling.eta * ((1 - leftBefore) / (1 - left)).squareRoot() * (1 - left / leftBefore).squareRoot()
      // The noise that belongs to the image as it was clamped.
      let noise = schedule.noise(in: x, around: image, at: steps)
      let mean =
        image * leftBefore.squareRoot()
        + noise * max(0, 1 - leftBefore - deviation * deviation).squareRoot()
      return deviation > 0 ? mean + fresh() * deviation : mean
    }
  }

  /// The learned one where the network gives a range, else the fixed one.
  private func logVariance(_ range: Tensor?, at steps: [Int], like x: Tensor) -> Tensor {
    if let range { return schedule.logVariance(range, at: steps) }
    let posterior = schedule.positivePosteriorVariances
    let table = variance == .small ? posterior : [posterior[0]] + schedule.betas.dropFirst()
    return schedule.column(table, at: steps, like: x).log()
  }
}

extension NoiseSchedule {
  /// The learned log-variance (Nichol and Dhariwal 2021, Eq. 15): the posterior's at v = -1, log β_t at v = 1.
  package func logVariance(_ range: Tensor, at steps: [Int]) -> Tensor {
    let share = (range + 1) * 0.5
    let largest = column(betas, at: steps, like: range).log()
    let smallest = column(positivePosteriorVariances, at: steps, like: range).log()
    return share * largest + (1 - share) * smallest
  }
}
