import Torch

/// `network` of `x`, whose spatial sides are first padded to multiples of `multiple` by replication at the far ends; what
/// comes back is cropped to the sides that were asked for.
func padded(_ x: Tensor, toMultiplesOf multiple: Int, _ network: (Tensor) -> Tensor) -> Tensor {
  let space = Array(x.shape.dropFirst(2))
  let missing = space.map { (multiple - $0 % multiple) % multiple }
  guard missing.contains(where: { $0 > 0 }) else { return network(x) }
  var y = network(x.padded(missing.reversed().flatMap { [0, $0] }, .replicate))
  for (axis, size) in space.enumerated() { y = y.narrowed(axis + 2, from: 0, length: size) }
  return y
}
