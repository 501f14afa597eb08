import Layers
import Testing
import Torch

/// Numbers in [-1, 1) that the scripts of Support/golden make too (known.py), so that no file has to hold them.
public func known(_ name: String, _ shape: [Int], type: ElementType = .float64) -> Tensor {
  Tensor(known(name, count: shape.reduce(1, *)), shape: shape).to(type)
}

/// The same as plain numbers: element i is `mix(i, name)`, with the name hashed once for all.
func known(_ name: String, count: Int) -> [Double] {
  let key = fnv(name)
  return [Double](unsafeUninitializedCapacity: count) { buffer, filled in
    for i in 0..<count {
      var z = key &+ UInt64(i) &* 0x9e37_79b9_7f4a_7c15
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      buffer[i] = Double((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1
    }
    filled = count
  }
}

/// FNV-1a.
func fnv(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}

/// Known intensities in [0, 1).
public func knownImage(_ name: String, _ shape: [Int], type: ElementType = .float64) -> Tensor {
  (known(name, shape, type: type) + 1) * 0.5
}

extension Parameters {
  /// Gives every parameter known values: kernels that keep a signal's size, scales around 1, biases around 0.
  public func start(asKnown name: String) {
    for (key, tensor) in entries {
      let value = known("\(name).\(key)", tensor.shape)
      if tensor.rank > 1 {
        tensor.assign(value * (6 * Double(tensor.size(0)) / Double(tensor.count)).squareRoot())
      } else {
        tensor.assign(key.hasSuffix("weight") ? 1 + 0.3 * value : 0.2 * value)
      }
    }
  }
}

extension Golden {
  /// Compares a tensor with the fingerprint that the file keeps: its product with known numbers, and its norm.
  /// - Parameter name: what the known numbers are called.
  public func expectFingerprint(
    _ key: String, of tensor: Tensor, named name: String, within tolerance: Double,
    fileID: String = #fileID, filePath: String = #filePath, line: Int = #line, column: Int = #column
  ) throws {
    let values = tensor.detached.to(.float64)
    let print = [
      (values * known("probe.\(name)", tensor.shape)).sum().item, values.squared().sum().sqrt().item,
    ]
    expectClose(
      print, try self(key).values(), within: tolerance, key, fileID: fileID, filePath: filePath, line: line,
      column: column)
  }
}
