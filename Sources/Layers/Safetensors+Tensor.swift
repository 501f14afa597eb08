import Failures
import Files
import Torch

extension Safetensors.Tensor {
  /// A tensor as it will stand in a file: float32, float64 or int64, row-major whatever its layout in memory. Its bytes
  /// are fetched when they are written.
  public init(_ name: String, _ tensor: Torch.Tensor) {
    switch tensor.type {
    case .float64: self.init(name, .f64, tensor, as: Double.self)
    case .int64: self.init(name, .i64, tensor, as: Int64.self)
    default: self.init(name, .f32, tensor, as: Float.self)
    }
  }

  /// The same in half precision: half the bytes, eleven bits of mantissa, numbers up to 65,504.
  public init(halved name: String, _ tensor: Torch.Tensor) {
    self.init(name, .f16, shape: tensor.shape) { take in
      try tensor.values(Float.self).map { Float16($0) }.withUnsafeBytes { try take($0) }
    }
  }

  private init<T: Element>(_ name: String, _ type: Safetensors.DataType, _ tensor: Torch.Tensor, as _: T.Type)
  {
    self.init(name, type, shape: tensor.shape) { take in
      try tensor.values(T.self).withUnsafeBytes { try take($0) }
    }
  }
}

extension Safetensors {
  /// The tensor of that name as a new tensor on the CPU, or nil; half precision comes back as float32.
  public func tensor(_ name: String) throws -> Torch.Tensor? {
    guard let entry = self[name] else { return nil }
    switch entry.type {
    case .f16:
      return Torch.Tensor(try values(of: name, as: Float16.self).map { Float($0) }, shape: entry.shape)
    case .f32: return Torch.Tensor(try values(of: name, as: Float.self), shape: entry.shape)
    case .f64: return Torch.Tensor(try values(of: name, as: Double.self), shape: entry.shape)
    case .i64: return Torch.Tensor(try values(of: name, as: Int64.self), shape: entry.shape)
    default:
      throw Failure(
        .invalidModel, "\(path): tensor \(name) is \(entry.type.rawValue); aginet uses F16, F32, F64 and I64")
    }
  }

  /// Overwrites `tensors` with the file's tensors of the same names under `prefix`, all or none of them.
  ///
  /// Strict: every tensor must be there in its shape, and the file may hold no other under the prefix.
  /// - Throws: `.invalidModel` that lists what is missing, unused and of another shape, all at once.
  public func load(_ tensors: [(name: String, tensor: Torch.Tensor)], under prefix: String) throws {
    try check(fits: tensors, under: prefix)
    for (name, tensor) in tensors {
      if let stored = try self.tensor(prefix + name) { tensor.assign(stored) }
    }
  }

  /// Makes sure that `load` can, without reading a number: `tensors` may be those of an outline.
  /// - Throws: as `load`.
  public func check(fits tensors: [(name: String, tensor: Torch.Tensor)], under prefix: String) throws {
    let wanted = Set(tensors.map { prefix + $0.name })
    let missing = tensors.filter { self[prefix + $0.name] == nil }.map { prefix + $0.name }
    let unused = entries.map(\.name).filter { $0.hasPrefix(prefix) && !wanted.contains($0) }
    let misshapen = tensors.compactMap { name, tensor -> String? in
      guard let entry = self[prefix + name], entry.shape != tensor.shape else { return nil }
      return "\(prefix)\(name) is \(entry.shape) instead of \(tensor.shape)"
    }
    let faults = [("missing", missing), ("unused", unused), ("another shape", misshapen)]
      .filter { !$0.1.isEmpty }
      .map { kind, names in
        "\(kind): \(names.prefix(4).joined(separator: ", "))\(names.count > 4 ? " and \(names.count - 4) more" : "")"
      }
    guard faults.isEmpty else {
      throw Failure(.invalidModel, "\(path): does not fit the network (\(faults.joined(separator: "; ")))")
    }
  }
}

extension Parameters {
  /// Trained tensors and buffers by name, as a file holds them.
  public var saved: [(name: String, tensor: Tensor)] { entries + buffers }
}
