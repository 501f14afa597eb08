import Files
import Torch

/// What the network is asked for. All three say the same of a noised image x_t = √ᾱ x₀ + √(1-ᾱ) ε; what differs is which
/// steps an error weighs on.
public enum DenoisingTarget: String, Choice {
  /// ε (Ho et al. 2020), as published. Where little of the image is left, a small error of the noise is a large one of the
  /// image: the network must learn it to a percent before its images are of use.
  case noise
  /// v = √ᾱ ε - √(1-ᾱ) x₀ (Salimans and Ho 2022): no step magnifies its error, so that short training gives images.
  case velocity
  /// x₀.
  case image

  /// How a method's name tells it: nothing for what is published.
  package var suffix: String { self == .noise ? "" : " [predicts \(rawValue)]" }
}

extension NoiseSchedule {
  /// What a network that is asked for `target` should say.
  package func answer(_ target: DenoisingTarget, image: Tensor, noise: Tensor, at steps: [Int]) -> Tensor {
    switch target {
    case .noise: noise
    case .image: image
    case .velocity:
      noise * column(alphaBars.map { $0.squareRoot() }, at: steps, like: noise)
        - image * column(alphaBars.map { (1 - $0).squareRoot() }, at: steps, like: image)
    }
  }

  /// ε of what the network said of x_t.
  package func noise(of answer: Tensor, _ target: DenoisingTarget, in noised: Tensor, at steps: [Int])
    -> Tensor
  {
    switch target {
    case .noise: answer
    case .image: noise(in: noised, around: answer, at: steps)
    case .velocity:
      answer * column(alphaBars.map { $0.squareRoot() }, at: steps, like: answer)
        + noised * column(alphaBars.map { (1 - $0).squareRoot() }, at: steps, like: noised)
    }
  }
}
