import Failures
import Files
import Foundation
import Layers
import Torch

/// A file of `Tests/Golden`, as `Support/golden/agi_net.py` writes them: numbers computed by PyTorch in double precision.
public struct Golden {
  private let file: Safetensors

  public init(_ name: String) throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    file = try Safetensors(contentsOf: tests.appendingPathComponent("Golden/\(name).safetensors").path)
  }

  /// A tensor by its name in the file, converted to `type`.
  public func callAsFunction(_ name: String, _ type: ElementType = .float64) throws -> Tensor {
    guard let stored = try file.tensor(name) else {
      throw Failure(.notFound, "\(file.path) has no tensor named \(name)")
    }
    return stored.to(type)
  }

  public func has(_ name: String) -> Bool { file[name] != nil }

  /// The names that begin with `prefix`, without it, sorted.
  public func names(under prefix: String) -> [String] {
    file.entries.map(\.name).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      .sorted()
  }

  /// Gives every parameter of `store` the value that the file keeps under `prefix`.
  /// - Returns: names that only one of the two knows; none, when the network is named as the design says.
  public func load(_ prefix: String, into store: Parameters) throws -> [String] {
    let stored = Set(names(under: prefix))
    for (name, tensor) in store.entries where stored.contains(name) { tensor.assign(try self(prefix + name)) }
    return stored.symmetricDifference(store.entries.map(\.name)).sorted()
  }

  /// Compares the gradient of every parameter with what the file keeps under `prefix`.
  public func expectGradients(
    of store: Parameters, under prefix: String, within tolerance: Double, orAbsolutely floor: Double = 0,
    fileID: String = #fileID, filePath: String = #filePath, line: Int = #line, column: Int = #column
  ) throws {
    for (name, tensor) in store.entries {
      let gradient = tensor.gradient ?? .full(.nan, tensor.shape)
      expectClose(
        gradient, try self(prefix + name), within: tolerance, orAbsolutely: floor, "gradient of \(name)",
        fileID: fileID, filePath: filePath, line: line, column: column)
    }
  }
}
