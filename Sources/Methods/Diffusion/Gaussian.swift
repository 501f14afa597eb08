import Torch

/// A normal distribution of every pixel, independent of the others.
package struct Gaussian {
  package let mean: Tensor, logVariance: Tensor
  package init(mean: Tensor, logVariance: Tensor) { (self.mean, self.logVariance) = (mean, logVariance) }

  /// The Kullback-Leibler divergence of `other` from this one at every pixel, in nats.
  package func divergence(of other: Gaussian) -> Tensor {
    let spread = logVariance - other.logVariance
    return (spread + (-spread).exp() + (mean - other.mean).squared() * (-logVariance).exp() - 1) * 0.5
  }

  /// The log-likelihood of every pixel of `image` in [-1, 1], in nats: what the distribution gives the bin of 2/255 around
  /// it, the outermost bins being open (Ho et al. 2020, §3.3).
  package func logLikelihood(of image: Tensor) -> Tensor {
    let centred = image - mean
    let sharpness = (logVariance * -0.5).exp()
    let upTo = Gaussian.cumulative((centred + 1 / 255) * sharpness)
    let below = Gaussian.cumulative((centred - 1 / 255) * sharpness)
    func log(_ probability: Tensor) -> Tensor { probability.clamped(1e-12, 1).log() }
    let inner = log(upTo - below)
    let outer = image.below(0, log(upTo), else: log(1 - below))
    // Beyond 0.999 lie the outermost bins alone.
    return (image.abs() - 0.999).below(0, inner, else: outer)
  }

  /// The normal distribution function, by the approximation that GELU made known (Hendrycks and Gimpel 2016).
  private static func cumulative(_ x: Tensor) -> Tensor {
    let argument = (x + x * x * x * 0.044715) * (2 / Double.pi).squareRoot()
    return (argument.tanh() + 1) * 0.5
  }
}
