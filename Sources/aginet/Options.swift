import ArgumentParser
import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Methods
import Torch

/// Flags that every working command has; they hold from the moment they are read.
struct CommonOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print results and errors only.")
  var quiet = false

  func validate() { Console.isQuiet = quiet }
}

/// Settings of an experiment, whatever its framework; those with a flag of their own go before `--set`.
struct SettingOptions: ParsableArguments {
  @Option(help: "Training steps.")
  var iterations: Int?
  @Option(help: "Slices, slabs or patches a step.")
  var batch: Int?
  @Option(help: "Channels of the first level; the others have 2, 4 and 8 times as many.")
  var width: Int?
  @Option(help: "Groups of CAGR's and GRA's modules.")
  var groups: Int?
  @Option(help: "Learning rate.")
  var rate: Double?
  @Option(
    name: .customLong("set"),
    help: "Any setting as key=value, e.g. --set pix2pix.weightL1=10; may be repeated.")
  var settings: [String] = []

  /// All that were given, and `others`, as `key=value`.
  func written(_ others: [(key: String, value: (any CustomStringConvertible)?)] = []) -> [String] {
    let flags: [(key: String, value: (any CustomStringConvertible)?)] = [
      ("iterations", iterations), ("batchSize", batch), ("width", width), ("groups", groups),
      ("learningRate", rate),
    ]
    return settings + (flags + others).compactMap { key, value in value.map { "\(key)=\($0)" } }
  }
}

/// What is trained.
struct ExperimentOptions: ParsableArguments {
  @Option(help: "Framework: \(MethodCatalog.names.joined(separator: ", ")).")
  var method: String?
  @Option(help: "Generator: \(NetworkCatalog.names.joined(separator: ", ")).")
  var network: String?
  @Option(help: "Source modalities, e.g. t1,t2.")
  var sources: String?
  @Option(help: "Target modality.")
  var target: Modality?
  @Option(help: "Decides initial weights and the order of slices.")
  var seed: UInt64?
  @Option(
    help:
      "What the network sees: slice, slab:3 (a slice between its neighbours) or patch:96x96x96 (planes, rows, columns; no larger than the volumes need)."
  )
  var region: String?
  @OptionGroup var settings: SettingOptions

  /// All as `key=value`.
  func written() throws -> [String] {
    let list = try sources.map { try modalities($0).map { "\"\($0.rawValue)\"" }.joined(separator: ",") }
    return settings.written([
      ("method", method), ("network", network), ("region", region), ("seed", seed),
      ("scenario.sources", list.map { "[\($0)]" }), ("scenario.target", target?.rawValue),
    ])
  }
}

/// Flags of commands that compute with tensors.
struct ComputeOptions: ParsableArguments {
  @Option(help: "cpu, cuda or cuda:N.")
  var device = "cpu"

  @Option(help: "Threads for one operation (default: OMP_NUM_THREADS, else all cores that it may use).")
  var threads: Int?
  @Flag(
    help:
      "On a GPU: the same bits in every run on one card, in whatever precision; slower. On a CPU they are the same anyway."
  )
  var deterministic = false
  @OptionGroup var common: CommonOptions

  /// Whether the user says how many threads there are to be.
  var tellsThreads: Bool {
    threads != nil || ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] != nil
  }

  /// Sets the threads and finds the device: of several ranks on one machine, each has a GPU of its own.
  func apply(_ group: ProcessGroup? = nil) throws -> Device {
    if let threads {
      try check("threads", threads, Bounds.threads)
      LibTorch.threads = threads
    }
    // Before a GPU is looked for, as its libraries then read what is asked of them. A CPU's operators repeat themselves as they are.
    if deterministic, device != "cpu" { LibTorch.isDeterministic = true }
    return try Device(named: group.map { device == "cuda" ? "cuda:\($0.gpu)" : device } ?? device)
  }
}

/// How exactly networks compute.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help:
      "On a GPU: float32; tf32, which multiplies with ten bits of mantissa; or bf16, in which networks compute with seven, while weights, optimisers and losses stay float32. Both take the fastest convolutions, but with --deterministic (default: float32; of a resumed run what it was trained with)."
  )
  var precision: Precision?

  /// Sets it for this process, as soon as it is known where networks compute.
  /// - Parameter otherwise: what is taken where nothing is asked for.
  /// - Throws: `.usage` for what is slower on a CPU, or not there.
  func apply(on device: Device, otherwise: Precision = .float32) throws {
    let chosen = precision ?? otherwise
    guard chosen == .float32 || device != .cpu else {
      throw Failure(
        .usage, "--precision \(chosen.rawValue) is a GPU's; name one by --device, or leave it out")
    }
    LibTorch.precision = chosen
  }
}

/// How a diffusion model draws its images, where that is to differ from what it was trained with.
struct DrawingOptions: ParsableArguments {
  @Option(help: "Diffusion models: sampling steps of those in training, evenly spread; 0 takes all.")
  var steps: Int?
  @Option(help: "Diffusion models: ancestral or ddim.")
  var sampler: Sampler?
  @Option(help: "Diffusion models: images drawn, whose mean is taken.")
  var samples: Int?
  @Option(help: "Diffusion models: seed of the noise.")
  var samplingSeed: UInt64?

  var change: SamplingChange {
    var change = SamplingChange()
    (change.steps, change.sampler, change.samples, change.seed) = (steps, sampler, samples, samplingSeed)
    return change
  }
}

/// How a model of heads sees a patient.
struct SightOptions: ParsableArguments {
  @Flag(
    help:
      "Of a model that knows heads in coronal and sagittal planes too: see axial ones alone, in less time; otherwise what is made is the mean of all."
  )
  var axialOnly = false
  @Option(
    help:
      "Of such a model: what is done about scans that their coils shade: auto takes out what is strong (N4), correct whatever is found, keep nothing."
  )
  var biasField = BiasFieldRule.automatic
}

/// How a patient's scans that lie on other grids come onto one.
struct AlignmentOptions: ParsableArguments {
  @Flag(
    help:
      "Bring scans on other grids onto one by their headers: where the scanner put them. Otherwise they must lie on one."
  )
  var resample = false
  @Flag(
    help:
      "Look for the head's motion between the scans as well (rigid, by mutual information), and bring them onto one grid; what lies within 0.5 mm is left as it is."
  )
  var register = false
  @Option(
    help:
      "With these, the scan whose grid it is, e.g. t2 (default: the first that the model takes, T1 before T2)."
  )
  var grid: Modality?

  /// - Parameter given: the contrasts of the one patient that there is; nil of a whole study.
  /// - Throws: `.usage` for both rules at once, for a grid without one and for that of a scan that is not given.
  func checked(_ given: [Modality]? = nil) throws -> ScanAlignment {
    let rule = try AlignmentOptions.rule(resample: resample, register: register)
    if let grid {
      guard rule != nil else {
        throw Failure(.usage, "--grid \(grid.rawValue): goes with --resample or --register")
      }
      if let given, !given.contains(grid) {
        throw Failure(.usage, "--grid \(grid.rawValue): \(grid.title) is not among the scans that are given")
      }
    }
    return ScanAlignment(rule, onto: grid)
  }

  /// - Throws: `.usage` for both at once.
  static func rule(resample: Bool, register: Bool) throws -> ScanAlignment.Rule? {
    guard !(resample && register) else {
      throw Failure(.usage, "--resample --register: the latter does what the former does; give one")
    }
    return register ? .registration : resample ? .headers : nil
  }
}

extension Sampler: ExpressibleByArgument {}

extension Modality: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
  public static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

/// Modalities separated by commas, in the order given: `t1,t2`.
func modalities(_ text: String) throws -> [Modality] {
  let list = text.split(separator: ",")
  guard !list.isEmpty else {
    throw Failure(.usage, "'\(text)': no modality is named; write such as t1,flair")
  }
  return try list.map { part in
    guard let modality = Modality(name: part.trimmingCharacters(in: .whitespaces)) else {
      throw Failure(
        .usage,
        "unknown modality '\(part)'; known are t1, t2, pd, flair, t1gd (also t1w, t1n, t1c, t1ce, t2f, …)")
    }
    return modality
  }
}

/// A help text's working example, in lines that a terminal of 80 columns does not break.
func example(_ lines: String...) -> String { "Example:\n" + lines.map { "  \($0)" }.joined(separator: "\n") }

/// Opens a prepared cohort, and says so where nothing would tell that its files were damaged.
func openedCohort(_ folder: String) throws -> PreparedCohort {
  let cohort = try PreparedCohort(folder: folder)
  if !cohort.hasChecksums {
    Console.note(
      "note: \(folder) was written by an earlier version, without checksums: damage to its files would not be noticed;"
        + " aginet prepare writes them")
  }
  return cohort
}

/// What a machine has, and what its memory holds.
enum Bounds {
  static let threads = 1...1024, loaders = 0...256, batch = 1...65_536
  /// As many as percentiles can count.
  static let voxels = 1...4_000_000_000
}

func check(_ flag: String, _ number: Int, _ range: ClosedRange<Int>) throws {
  guard range.contains(number) else {
    throw Failure(.usage, "--\(flag) \(number): must be from \(range.lowerBound) to \(range.upperBound)")
  }
}

extension BiasFieldRule: ExpressibleByArgument {}
