import CGuard
import CTorch

/// An n-dimensional array of numbers on a device, with LibTorch's automatic differentiation.
///
/// A `Tensor` is a reference to storage, not a value: two tensors may share memory, and operations in place
/// (all of them in `Layers`' optimisers and initialisers) are seen through every reference. It is deliberately not
/// `Sendable`: LibTorch's grad mode is per thread, so tensors are born, used and freed on one thread, and threads
/// exchange plain numbers. Memory is given back the moment the last reference goes; see *Tensors and memory*.
///
/// Shapes that do not fit are a programmer's mistake and stop the program with LibTorch's own sentence, as a bad
/// index stops `Array`. What depends on files and users is checked at the edges and throws.
public struct Tensor {
  let handle: Handle

  /// The only owner of a handle of the C wall.
  final class Handle {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { ct_free(pointer) }
  }

  var raw: OpaquePointer { handle.pointer }

  /// Takes over one reference, or stops with LibTorch's sentence where the operation failed.
  init(_ pointer: OpaquePointer?, _ operation: StaticString = #function) {
    guard let pointer else { stop(operation) }
    handle = Handle(pointer)
  }
}

/// The type of a tensor's elements.
public enum ElementType: Int32, Sendable {
  case float32 = 0
  case float64 = 1
  case int64 = 2
  case uint8 = 3
  /// What networks compute with inside, where they may (`Precision`).
  case bfloat16 = 4
}

/// A Swift number that a tensor can hold.
public protocol Element: Sendable {
  static var elementType: ElementType { get }
}
extension Float: Element { public static var elementType: ElementType { .float32 } }
extension Double: Element { public static var elementType: ElementType { .float64 } }
extension Int64: Element { public static var elementType: ElementType { .int64 } }
extension UInt8: Element { public static var elementType: ElementType { .uint8 } }

// MARK: - Making tensors

extension Tensor {
  /// A tensor of `shape` holding `values` in row-major order.
  public init<T: Element>(_ values: [T], shape: [Int], device: Device = .cpu) {
    self = values.withUnsafeBufferPointer { Tensor($0, shape: shape, device: device) }
  }

  public init<T: Element>(_ buffer: UnsafeBufferPointer<T>, shape: [Int], device: Device = .cpu) {
    precondition(buffer.count == shape.reduce(1, *), "\(buffer.count) values for shape \(shape)")
    // Nothing may have no address; LibTorch reads nothing from it.
    let start = UnsafeRawPointer(buffer.baseAddress) ?? UnsafeRawPointer(bitPattern: 16)
    self = withSizes(shape) { Tensor(ct_from(start, T.elementType.rawValue, $0, $1, device.number)) }
  }

  public static func full(
    _ value: Double, _ shape: [Int], type: ElementType = .float32, device: Device = .cpu
  ) -> Tensor {
    withSizes(shape) { Tensor(ct_full(value, type.rawValue, $0, $1, device.number)) }
  }

  public static func zeros(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
    full(0, shape, type: type, device: device)
  }

  public static func ones(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
    full(1, shape, type: type, device: device)
  }

  /// `start`, `start + 1`, … below `end`.
  public static func range(
    _ start: Double, _ end: Double, type: ElementType = .float32, device: Device = .cpu
  ) -> Tensor {
    Tensor(ct_arange(start, end, type.rawValue, device.number))
  }

  /// Uniform on [low, high), from a generator of its own: the same seed gives the same numbers on every device.
  public static func uniform(
    _ shape: [Int], low: Double = 0, high: Double = 1, seed: UInt64, type: ElementType = .float32,
    device: Device = .cpu
  ) -> Tensor {
    withSizes(shape) { Tensor(ct_uniform(low, high, seed, type.rawValue, $0, $1, device.number)) }
  }

  /// Normal with the given mean and standard deviation, from a generator of its own.
  public static func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, seed: UInt64, type: ElementType = .float32,
    device: Device = .cpu
  ) -> Tensor {
    withSizes(shape) { Tensor(ct_normal(mean, deviation, seed, type.rawValue, $0, $1, device.number)) }
  }
}

// MARK: - Reading tensors

extension Tensor {
  public var rank: Int { Int(ct_rank(raw)) }
  public var shape: [Int] { (0..<rank).map { Int(ct_size(raw, Int32($0))) } }
  public var count: Int { Int(ct_count(raw)) }
  public func size(_ axis: Int) -> Int {
    let size = ct_size(raw, Int32(axis))
    precondition(size >= 0, LibTorch.lastError)
    return Int(size)
  }
  public var device: Device { Device(number: ct_device(raw)) }
  public var type: ElementType {
    guard let type = ElementType(rawValue: ct_type(raw)) else {
      fatalError("an element type aginet does not use")
    }
    return type
  }
  /// Whether elements lie with channels running fastest (NHWC in memory), the faster layout for convolutions on CPU.
  public var isChannelsLast: Bool { ct_is_channels_last(raw) }

  /// The elements in row-major order, converted to `T`.
  public func values<T: Element>(_: T.Type = T.self) -> [T] {
    let count = count
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0 { check(ct_read(raw, buffer.baseAddress, T.elementType.rawValue, Int64(count))) }
      initialized = count
    }
  }

  /// The number in a tensor that holds one.
  public var item: Double { ct_item(raw) }

  public var isFinite: Bool { Tensor.firstNotFinite(of: [self]) == nil }

  /// The place of the first of `tensors`, all on one device, that has a number in it which is not finite; nil where none has.
  /// The device is waited for once.
  public static func firstNotFinite(of tensors: [Tensor]) -> Int? {
    guard !tensors.isEmpty else { return nil }
    let place = withList(tensors) { ct_first_not_finite($0, $1) }
    precondition(place >= -1, LibTorch.lastError)
    return place < 0 ? nil : Int(place)
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    count <= 16 ? "\(shape) \(values(Double.self))" : "\(shape) \(type) on \(device)"
  }
}

// MARK: - Inside

/// Hands a shape over as the C wall wants it.
func withSizes<R>(_ sizes: [Int], _ body: (UnsafePointer<Int64>, Int32) -> R) -> R {
  withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(1, sizes.count)) { buffer in
    for (index, size) in sizes.enumerated() { buffer.initializeElement(at: index, to: Int64(size)) }
    // The buffer always has room for one, so its address exists.
    guard let start = buffer.baseAddress else { fatalError("no room for a shape") }
    return body(UnsafePointer(start), Int32(sizes.count))
  }
}

/// Hands a list of tensors over; they stay alive for the call.
func withList<R>(_ tensors: [Tensor], _ body: (UnsafePointer<OpaquePointer?>, Int32) -> R) -> R {
  let pointers: [OpaquePointer?] = tensors.map(\.raw)
  return withExtendedLifetime(tensors) {
    pointers.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { fatalError("an empty list of tensors") }
      return body(start, Int32(buffer.count))
    }
  }
}

func check(_ status: Int32, _ operation: StaticString = #function) {
  if status != 0 { stop(operation) }
}

/// Ends the program with LibTorch's sentence, as `LibTorch.onLackOfMemory` says where it was memory that was not there.
private func stop(_ operation: StaticString) -> Never {
  let sentence = LibTorch.lastError
  // oneDNN's for want of memory is "could not create a primitive".
  let isMemory = ["allocate memory", "out of memory", "bad_alloc"].contains { sentence.contains($0) }
  guard isMemory || guard_lacks_memory() != 0 else {
    fatalError("\(operation): \(sentence)")
  }
  LibTorch.onLackOfMemory(sentence.split(whereSeparator: \.isNewline).joined(separator: " "))
}
