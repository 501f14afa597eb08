import CTorch
import Failures
import Synchronization

/// The library behind the tensors: version, threads, devices, memory.
public enum LibTorch {
  /// LibTorch's sentence for the last operation that failed on this thread.
  public static var lastError: String { String(cString: ct_error()) }

  /// The version of the headers this program was built with.
  public static var version: String { String(cString: ct_version()) }

  /// Tensors alive in this process: a loop that leaks shows here.
  public static var liveTensors: Int { Int(ct_live_tensors()) }

  /// Threads that one operation may use.
  public static var threads: Int {
    get { Int(ct_threads()) }
    set { check(ct_set_threads(Int32(newValue))) }
  }

  /// Threads that take part in the loops of this library, CAGR's and Winograd's among them.
  package static var threadsOfLoops: Int { Int(ct_threads_of_loops()) }

  /// Called with LibTorch's sentence, in one line, where memory that a tensor needs cannot be had: no programmer's mistake,
  /// and nothing that the operation could go on after. Traps unless a program says otherwise.
  public static var onLackOfMemory: @Sendable (String) -> Never {
    get { lackOfMemory.withLock { $0 } }
    set { lackOfMemory.withLock { $0 = newValue } }
  }
  private static let lackOfMemory = Mutex<@Sendable (String) -> Never>({ fatalError($0) })

  /// Lets freed tensors' memory be used again instead of going back to the system: to be called first thing by a program
  /// that computes with tensors all its life. A step is 5 to 15 % faster; the process keeps the most it ever needed.
  public static func keepMemory() { ct_keep_memory() }

  /// Takes numbers below 1e-38 for 0: to be called first thing by a program. The empty surroundings of a head make many of
  /// them in a network, and processors compute with them many times slower: a quarter of a slice's time. Has no effect
  /// on a processor that cannot.
  public static func flushDenormals() { _ = ct_flush_denormals(true) }

  /// CUDA devices that can be used now.
  public static var cudaDevices: Int { Int(ct_cuda_count()) }

  /// Waits until the device has done what it was asked: work on a GPU is only queued by the call that asks for it.
  public static func synchronize(_ device: Device) { check(ct_synchronize(device.number)) }

  /// Whether a GPU may multiply float32 numbers with ten bits of mantissa (TF32): faster, and no longer within 1e-4 of the
  /// CPU. Off from the start, on whatever device; LibTorch by itself has it on in convolutions.
  static func allowTF32(_ on: Bool) { ct_allow_tf32(on) }

  /// Whether a GPU's convolutions are computed by the fastest of cuDNN's algorithms, each tried once for every shape: which that is
  /// may differ from run to run, and the last bits with it. Off from the start, and where runs are to be alike (`isDeterministic`).
  static func tuneConvolutions(_ on: Bool) { ct_tune_convolutions(on && !isDeterministic) }

  /// Whether they are.
  package static var tunesConvolutions: Bool { ct_tunes_convolutions() }

  /// Whether TF32 is on in matrix products or in convolutions.
  package static var allowsTF32: Bool { ct_allows_tf32() }

  /// Vector instructions for which this library's own loops are compiled: those of every processor, AVX2 with FMA, and
  /// AVX-512.
  package enum Instructions: Int32, CaseIterable, Sendable {
    case any = 0
    case v3 = 3
    case v4 = 4
  }

  /// Keeps this library's loops from wider instructions than these, in the whole process: what a test needs to see the
  /// results of a smaller processor.
  /// - Returns: what they use now; less than asked where the processor has less.
  @discardableResult package static func limit(to instructions: Instructions) -> Instructions? {
    Instructions(rawValue: ct_limit_instructions(instructions.rawValue))
  }

  /// The instructions that LibTorch's own kernels use: `DEFAULT`, `AVX2`, `AVX512`.
  package static var capability: String { String(cString: ct_cpu_capability()) }

  /// Loads a shared library for its side effects: LibTorch's CUDA half registers itself when it is loaded.
  /// - Throws: `Failure(.notFound)` with the loader's sentence.
  public static func load(library path: String) throws {
    if ct_load_library(path) != 0 { throw Failure(.notFound, "\(path) cannot be loaded: \(lastError)") }
  }
}

/// Where a tensor lives.
public enum Device: Sendable, Equatable, CustomStringConvertible {
  case cpu
  case cuda(Int)

  init(number: Int32) { self = number < 0 ? .cpu : .cuda(Int(number)) }
  var number: Int32 {
    switch self {
    case .cpu: Int32(CT_CPU)
    case .cuda(let index): Int32(index)
    }
  }

  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    }
  }

  /// Reads `cpu`, `cuda` or `cuda:N`, and makes sure the device is there.
  /// - Throws: `Failure(.usage)` for another word, `Failure(.notFound)` for a GPU that LibTorch cannot use.
  public init(named name: String) throws {
    if name == "cpu" {
      self = .cpu
      return
    }
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts[0] == "cuda", parts.count <= 2, let index = parts.count == 1 ? 0 : Int(parts[1]), index >= 0
    else {
      throw Failure(.usage, "\(Term.device(name)): use cpu, cuda or cuda:N")
    }
    if LibTorch.cudaDevices == 0 { try? LibTorch.load(library: "libtorch_cuda.so") }
    let available = LibTorch.cudaDevices
    guard index < available else {
      let found =
        available == 0
        ? "LibTorch \(LibTorch.version) finds no CUDA device" : "\(available) CUDA device(s) found"
      throw Failure(
        .notFound, "\(Term.device(name)): \(found); use \(Term.device("cpu")), or see \(Term.diagnosis)")
    }
    self = .cuda(index)
  }
}
