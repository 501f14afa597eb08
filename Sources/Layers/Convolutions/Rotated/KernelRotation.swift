import Foundation
import Torch

/// 3 x 3 kernels turned by an angle of at most 45 degrees, as a matrix that mixes their nine entries.
///
/// Entry t of a turned kernel, in the place p_t around the middle, is read from the kernel at R(θ) p_t, bilinearly; places
/// that turn out of the kernel are brought back to its border. Along one axis of three entries -1, 0, 1 a place q weighs
/// them with max(0, -q), 1 - |q| and max(0, q).
package enum KernelRotation {
  /// `[…, 9, 9]` for angles `[…]` in radians; entries are counted row by row, and a row mixes one entry.
  package static func mixing(_ angles: Tensor) -> Tensor {
    func places(_ entries: [Double]) -> Tensor {
      Tensor(entries, shape: [9]).to(angles.type).to(angles.device)
    }
    let x = places([-1, 0, 1, -1, 0, 1, -1, 0, 1])
    let y = places([-1, -1, -1, 0, 0, 0, 1, 1, 1])
    let cosine = angles.cos().reshaped([-1, 1])
    let sine = angles.sin().reshaped([-1, 1])
    let rows = weights(x * sine + y * cosine)  // [·, 9, 3]
    let columns = weights(x * cosine - y * sine)
    return Tensor.einsum("atj,atk->atjk", rows, columns).reshaped(angles.shape + [9, 9])
  }

  /// How entries -1, 0 and 1 of an axis count at `place`, `[…]` to `[…, 3]`.
  private static func weights(_ place: Tensor) -> Tensor {
    let inside = place.clamped(-1, 1)
    return Tensor.stacked([(-inside).relu(), 1 - inside.abs(), inside.relu()], axis: inside.rank)
  }
}
