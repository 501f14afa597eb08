import CTorch
import Synchronization

/// How exactly networks compute.
public enum Precision: String, Sendable, CaseIterable {
  /// In full.
  case float32
  /// On a GPU: float32, of which convolutions and matrix products take ten bits of mantissa.
  case tf32
  /// Convolutions and matrix products of networks in bfloat16, seven bits of mantissa, by LibTorch's autocast; weights, their
  /// gradients, moments and averages, norms' statistics and losses in float32.
  case bf16

  /// As it is written in the literature.
  public var title: String {
    switch self {
    case .float32: rawValue
    case .tf32: "TF32"
    case .bf16: "bfloat16"
    }
  }

  /// What stands beside results that were computed so; nothing beside those in float32.
  public var note: String? { self == .float32 ? nil : title }
}

extension LibTorch {
  private static let chosen = Mutex(Precision.float32)

  /// How exactly the networks of this process compute; float32 from the start. Whoever asks for less asks for speed, and gets the
  /// fastest of a GPU's convolutions too (`tuneConvolutions`), unless runs are to be alike (`isDeterministic`).
  public static var precision: Precision {
    get { chosen.withLock { $0 } }
    set {
      chosen.withLock { $0 = newValue }
      allowTF32(newValue == .tf32)
      tuneConvolutions(newValue != .float32)
    }
  }

  /// What a network makes of its inputs on `device`: in bfloat16 as far as autocast holds that to be enough, where
  /// `precision` says so, and float32 in any case. Gradients are computed in the types that the network took.
  public static func autocasting(on device: Device, _ network: () throws -> Tensor) rethrows -> Tensor {
    guard precision == .bf16 else { return try network() }
    return try withAutocast(true, on: device, network).to(.float32)
  }

  /// Runs a part of a network that bfloat16 is too coarse for; what it takes must be float32 (`widened`).
  public static func inFullPrecision<R>(on device: Device, _ body: () throws -> R) rethrows -> R {
    isAutocasting(on: device) ? try withAutocast(false, on: device, body) : try body()
  }

  /// Whether what is computed here and now is a network's that autocasts.
  package static func isAutocasting(on device: Device) -> Bool { ct_autocasts(device.number) }

  /// Autocast belongs to the thread, so the closure is synchronous by design.
  private static func withAutocast<R>(_ on: Bool, on device: Device, _ body: () throws -> R) rethrows -> R {
    let before = ct_set_autocast(device.number, on)
    defer { _ = ct_set_autocast(device.number, before) }
    return try body()
  }

  /// Runs `body` and counts how often it reads numbers out of tensors: each time it waits until the device has computed them.
  package static func countingReads<R>(_ body: () throws -> R) rethrows -> (result: R, count: Int) {
    let before = ct_host_reads()
    let result = try body()
    return (result, Int(ct_host_reads() - before))
  }
}

extension Tensor {
  /// The same in float32, where it is bfloat16.
  public var widened: Tensor { type == .bfloat16 ? to(.float32) : self }
}
