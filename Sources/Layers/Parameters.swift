import Torch

/// The parameters and buffers of one network, in the order they were made.
///
/// Making is registering: a layer asks its `Scope` for a parameter and the store knows it by its dotted path, so none
/// can be lost and none is found by reflection. A GAN has two stores; a moving average is a third.
public final class Parameters {
  /// Trained tensors by dotted path, in the order of construction: this order is the optimiser's and the file's.
  public private(set) var entries: [(name: String, tensor: Tensor)] = []
  /// Tensors that are saved but not trained (running statistics).
  public private(set) var buffers: [(name: String, tensor: Tensor)] = []
  private var known: Set<String> = []

  /// Every initial value is a pure function of this seed and the parameter's path: two networks that share a path
  /// and a shape start from the same numbers there.
  public let seed: UInt64
  public let device: Device
  public let type: ElementType

  /// Whether dropout drops and batch statistics are gathered. Set by `training` and `evaluating`.
  public internal(set) var isTraining = true

  /// What training draws chance from: within a method's step the stream that the step was given, before any a stream of
  /// the store's own seed.
  public lazy var random = RandomStream(seed: seed, device: device)

  /// Called with (path, tensor) by layers that have something to show, while set: the routing of CAGR modules.
  public var observer: ((String, Tensor) -> Void)?

  public init(seed: UInt64 = 1, device: Device = .cpu, type: ElementType = .float32) {
    self.seed = seed
    self.device = device
    self.type = type
  }

  @TaskLocal static var isOutline = false

  /// Runs `body`, in which networks get their parameters' names and shapes but no memory for them: to see what a network
  /// would be before it is built. Nothing may be computed with such a network.
  public static func outlining<R>(_ body: () throws -> R) rethrows -> R {
    try $isOutline.withValue(true, operation: body)
  }

  public var root: Scope { Scope(store: self, path: "") }

  /// The number of trained scalars.
  public var count: Int { entries.reduce(0) { $0 + $1.tensor.count } }

  public subscript(name: String) -> Tensor? {
    entries.first { $0.name == name }?.tensor ?? buffers.first { $0.name == name }?.tensor
  }

  public func clearGradients() { for (_, tensor) in entries { tensor.clearGradient() } }

  /// Switches gradients of all parameters off or on: a discriminator that only judges is frozen.
  public func freeze(_ frozen: Bool = true) {
    for (_, tensor) in entries { tensor.requiresGradient = !frozen }
  }

  /// Runs `body` with dropout and batch statistics as they are at test time, and without recording gradients.
  public func evaluating<R>(_ body: () throws -> R) rethrows -> R {
    let before = isTraining
    isTraining = false
    defer { isTraining = before }
    return try withoutGradient(body)
  }

  /// Switches to test time for good: a model that was loaded to make images.
  public func beginEvaluating() { isTraining = false }

  fileprivate func register(_ name: String, _ tensor: Tensor, trained: Bool) {
    precondition(known.insert(name).inserted, "a parameter named \(name) exists already")
    if trained { entries.append((name, tensor)) } else { buffers.append((name, tensor)) }
  }
}

/// How a parameter starts.
public enum Start: Sendable {
  case zeros, ones
  case constant(Double)
  /// Uniform on [-bound, bound).
  case uniform(Double)
  /// Normal with this standard deviation.
  case normal(Double, mean: Double = 0)
  /// PyTorch's default for convolutions and linear layers: Kaiming-uniform with a = √5, that is uniform within
  /// ± 1/√(fan in), where the fan in is the size of one output's receptive field.
  public static let kaiming = Start.kaiming(times: 1)
  /// The same within so many times these bounds.
  case kaiming(times: Double)

  func tensor(_ shape: [Int], seed: UInt64, type: ElementType) -> Tensor {
    switch self {
    case .zeros: return .zeros(shape, type: type)
    case .ones: return .ones(shape, type: type)
    case .constant(let value): return .full(value, shape, type: type)
    case .uniform(let bound): return .uniform(shape, low: -bound, high: bound, seed: seed, type: type)
    case .normal(let deviation, let mean):
      return .normal(shape, mean: mean, deviation: deviation, seed: seed, type: type)
    case .kaiming(let factor):
      let bound = factor / Double(shape.dropFirst().reduce(1, *)).squareRoot()
      return .uniform(shape, low: -bound, high: bound, seed: seed, type: type)
    }
  }
}

/// A place in a network's tree of names: `scope / "down1" / "block1"` names what is made below it.
public struct Scope {
  public let store: Parameters
  public let path: String

  public static func / (scope: Scope, name: String) -> Scope {
    Scope(store: scope.store, path: scope.path.isEmpty ? name : scope.path + "." + name)
  }

  /// Makes and registers a trained tensor of the given shape. Kernels are laid out channels-last.
  public func parameter(_ name: String, _ shape: [Int], _ start: Start) -> Tensor {
    let path = (self / name).path
    var tensor = self.start(start, shape, at: path)
    if !Parameters.isOutline {
      if shape.count == 4 || shape.count == 5 { tensor = tensor.channelsLast() }
      tensor.requiresGradient = true
    }
    store.register(path, tensor, trained: true)
    return tensor
  }

  /// Makes and registers a tensor that is saved but not trained.
  public func buffer(_ name: String, _ shape: [Int], _ start: Start) -> Tensor {
    let path = (self / name).path
    let tensor = self.start(start, shape, at: path)
    store.register(path, tensor, trained: false)
    return tensor
  }

  private func start(_ start: Start, _ shape: [Int], at path: String) -> Tensor {
    // One number that is everywhere.
    Parameters.isOutline
      ? Tensor.zeros([], type: store.type).expanded(shape)
      : start.tensor(shape, seed: mix(store.seed, path), type: store.type).to(store.device)
  }

  /// Shows a tensor to whoever observes the network.
  public func show(_ name: String, _ tensor: @autoclosure () -> Tensor) {
    if let observer = store.observer { observer((self / name).path, tensor().detached) }
  }
}

/// A well-mixed 64-bit number from a seed and a name (FNV-1a, finished with SplitMix64's mixer).
public func mix(_ seed: UInt64, _ name: String) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  var z = hash &+ seed &* 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
