import Torch

/// Kernels rolled by fractions of a voxel (paper §3.2, Eq. 4).
///
/// A roll by a whole number moves every entry of a kernel circularly; a roll by a fraction mixes the two nearest
/// whole rolls along each axis linearly. That is linear in the kernel and separable: along one axis it is the circulant
/// matrix R(o) = (1 - r) P(f) + r P(f + 1) with f = floor(o), r = o - f, and P(m) the permutation that moves entry j to
/// j + m. The mixing matrix of a whole kernel, flattened row by row, is the Kronecker product of its axes' circulants.
///
/// Eq. 4 writes ceil for f + 1. At whole offsets, where training starts, the two would coincide and no gradient would
/// reach the offsets; floor + 1 has the same value everywhere and a gradient there too.
public enum FloatRoll {
  /// Circulants that roll one axis of length `size` by `offsets` voxels, any shape `[…]` -> `[…, size, size]`.
  public static func circulants(_ offsets: Tensor, size: Int) -> Tensor {
    let whole = offsets.detached.floor()
    let fraction = (offsets - whole).reshaped([-1, 1, 1])
    // Made where the offsets are: a table that is handed over makes a GPU wait at every module.
    let entries = Tensor.range(0, Double(size), type: offsets.type, device: offsets.device)
    let ways = entries.reshaped([size, 1]) - entries - whole.remainder(Double(size)).reshaped([-1, 1, 1])
    let (one, zero) = (
      Tensor.ones([], type: offsets.type, device: offsets.device),
      Tensor.zeros([], type: offsets.type, device: offsets.device)
    )
    func rolled(by shift: Double) -> Tensor {
      (ways - shift).remainder(Double(size)).below(0.5, one, else: zero)
    }
    // An offset that is not a number rolls nothing, and passes itself on through `fraction`.
    let mixed = rolled(by: 0) * (1 - fraction) + rolled(by: 1) * fraction
    return mixed.reshaped(offsets.shape + [size, size])
  }

  /// Mixing matrices of whole kernels, `[B, n, k^d, k^d]`.
  /// - Parameter offsets: `[B, n, d]` in voxels, the fastest axis first: (x, y) or (x, y, z).
  public static func mixing(_ offsets: Tensor, size: Int) -> Tensor {
    let (batch, groups, axes) = (offsets.size(0), offsets.size(1), offsets.size(2))
    let one = circulants(offsets, size: size)  // [B, n, d, k, k]
    func axis(_ index: Int) -> Tensor {
      one.narrowed(2, from: index, length: 1).reshaped([batch, groups, size, size])
    }
    var mixing = axis(0)
    for index in 1..<axes {
      let side = mixing.size(3)
      mixing = Tensor.einsum("bnij,bnkl->bnikjl", axis(index), mixing)
        .reshaped([batch, groups, size * side, size * side])
    }
    return mixing
  }
}
