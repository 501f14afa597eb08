import Torch

/// Expects the gradient of `loss` to be its slope, element by element, in every one of `leaves`.
///
/// - Parameters:
///   - leaves: tensors in double precision that `loss` is computed from; they come back unchanged.
///   - tolerance: of the largest slope of each leaf. Central differences with a step of 1e-5 are good to about 1e-8.
///   - isDerivative: whether `loss` differentiates something itself.
public func expectGradientIsSlope(
  of leaves: [(name: String, tensor: Tensor)], within tolerance: Double, orAbsolutely floor: Double = 1e-9,
  isDerivative: Bool = false,
  fileID: String = #fileID, filePath: String = #filePath, line: Int = #line, column: Int = #column,
  _ loss: () -> Tensor
) {
  for (_, tensor) in leaves {
    tensor.requiresGradient = true
    tensor.clearGradient()
  }
  loss().backward()
  let step = 1e-5
  for (name, tensor) in leaves {
    let gradient = (tensor.gradient ?? .full(.nan, tensor.shape)).values(Double.self)
    let values = tensor.values(Double.self)
    func slope(_ index: Int) -> Double {
      func shifted(_ amount: Double) -> Double {
        var moved = values
        moved[index] += amount
        tensor.assign(Tensor(moved, shape: tensor.shape))
        return isDerivative ? loss().item : withoutGradient { loss().item }
      }
      return (shifted(step) - shifted(-step)) / (2 * step)
    }
    let slopes = values.indices.map(slope)
    tensor.assign(Tensor(values, shape: tensor.shape))
    expectClose(
      gradient, slopes, within: tolerance, orAbsolutely: floor, "gradient of \(name)", fileID: fileID,
      filePath: filePath, line: line, column: column)
  }
}
