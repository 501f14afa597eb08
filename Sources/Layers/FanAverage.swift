import Torch

extension Start {
  /// Uniform with variance `scale` / mean(fan in, fan out), as score and diffusion networks start (Glorot and Bengio
  /// 2010; Ho et al. 2020).
  /// - Parameters:
  ///   - shape: of a kernel `[out, in, k…]` or a matrix `[out, in]`.
  ///   - scale: 1, or nearly 0 for the last map of a branch that should begin by doing nothing.
  public static func fanAverage(_ shape: [Int], scale: Double = 1) -> Start {
    let taps = shape.dropFirst(2).reduce(1, *)
    let mean = Double((shape[0] + shape[1]) * taps) / 2
    return .uniform((3 * scale / mean).squareRoot())
  }
}

extension Convolution {
  /// One that starts fan-averaged, with a bias of zero.
  public static func fanAverage(_ scope: Scope, _ shape: ConvolutionShape, scale: Double = 1) -> Convolution {
    Convolution(scope, shape, start: .fanAverage(shape.weight(), scale: scale), biasStart: .zeros)
  }
}

extension Linear {
  /// One that starts fan-averaged, with a bias of zero.
  public static func fanAverage(_ scope: Scope, _ input: Int, _ output: Int) -> Linear {
    Linear(scope, input, output, start: .fanAverage([output, input]), biasStart: .zeros)
  }
}
