import Failures

/// Which of several processes this is, and where they meet, as a launcher says it to each that it starts.
public struct Meeting: Sendable, Equatable {
  /// From 0 below `size`: among all, and among those of this machine.
  public var rank: Int, size: Int, localRank: Int, localSize: Int
  /// Of the GPUs that this process sees, which is its own.
  public var gpu: Int
  /// Where the table of texts is kept.
  public var host: String, port: Int
  /// Whether the launcher keeps it, and not rank 0.
  public var isKept: Bool
  /// How often the launcher has started all of them anew.
  public var attempt: Int
  /// Interfaces that they talk over, separated by commas; empty for that of this machine's own name.
  public var interfaces: String

  /// Whether all are on one machine.
  public var isLocal: Bool { localSize == size && interfaces.isEmpty }

  /// What the environment of a process says: `torchrun`'s variables, else those of Open MPI's `mpirun`, of MPICH's and Intel MPI's
  /// (Hydra), else of Slurm's `srun`.
  /// `MASTER_ADDR` and `MASTER_PORT` hold with all of them, and `GLOO_SOCKET_IFNAME`.
  /// - Returns: nil for a process that is alone.
  /// - Throws: `.usage` for what contradicts itself.
  public init?(_ environment: [String: String]) throws {
    let environment = environment.filter { !$0.value.isEmpty }
    func number(_ name: String) throws -> Int? { try Self.number(name, environment) }
    let names = Launcher.allCases.first { $0.marks.allSatisfy { environment[$0] != nil } }
    guard let names, let rank = try number(names.rank), let size = try number(names.size), size > 1 else {
      return nil
    }
    (self.rank, self.size) = (rank, size)
    let address = environment["MASTER_ADDR"]
    let isElsewhere = address.map { !["localhost", "::1"].contains($0) && !$0.hasPrefix("127.") } ?? false
    guard environment[names.localSize] != nil || !isElsewhere else {
      throw Failure(
        .usage,
        "\(size) ranks meet at \(address ?? ""): set \(names.localSize) and \(names.localRank) on each machine"
      )
    }
    localRank = try number(names.localRank) ?? rank
    localSize = try environment[names.localSize].map { try Self.first(of: $0, names.localSize) } ?? size
    guard rank < size, localSize > 0, localSize <= size, localRank < localSize else {
      throw Failure(
        .usage,
        "\(names.rank) \(rank) of \(names.size) \(size), \(localRank) of \(localSize) here: ranks count from 0"
      )
    }
    // Slurm's `--gpus-per-task`, and scripts of one's own, let each see a single one.
    let isBound = environment["CUDA_VISIBLE_DEVICES"].map { !$0.contains(",") } ?? false
    gpu = isBound && !LocalRanks.isOne(environment) ? 0 : localRank
    let nodes = environment["SLURM_STEP_NODELIST"] ?? environment["SLURM_JOB_NODELIST"]
    let known = names == .slurm ? nodes.flatMap(Self.firstHost) : nil
    guard let host = address ?? (localSize == size ? "127.0.0.1" : known) else {
      throw Failure(.usage, "\(size) ranks on several machines: set MASTER_ADDR to the address of rank 0")
    }
    self.host = host
    // What tells one job from another on the same machine.
    let job = ["SLURM_JOB_ID", "SLURM_STEP_ID", "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"].compactMap {
      environment[$0]
    }
    port = try number("MASTER_PORT") ?? Self.port(of: job.joined(separator: "."))
    guard (1...65_535).contains(port) else {
      throw Failure(.usage, "MASTER_PORT is \(port); it must be from 1 to 65535")
    }
    isKept = environment["TORCHELASTIC_USE_AGENT_STORE"] == "True"
    attempt = try Self.attempt(environment)
    interfaces = environment["GLOO_SOCKET_IFNAME"] ?? ""
  }

  /// How often a launcher has started this process anew, with its others or alone.
  /// - Throws: `.usage` for what is no number.
  public static func attempt(_ environment: [String: String]) throws -> Int {
    try number("TORCHELASTIC_RESTART_COUNT", environment) ?? 0
  }

  private static func number(_ name: String, _ environment: [String: String]) throws -> Int? {
    guard let text = environment[name] else { return nil }
    // As c10d counts.
    guard let number = Int32(text), number >= 0 else {
      throw Failure(.usage, "\(name) is '\(text)'; it must be a number from 0 to \(Int32.max)")
    }
    return Int(number)
  }

  private enum Launcher: CaseIterable {
    // A step of Slurm's may have started Open MPI's own processes, or Hydra's.
    case torchrun, openMPI, hydra, slurm

    /// What all of its processes are told. Slurm has Hydra's rank and size too, but not the places on a machine.
    var marks: [String] { [size, rank] + (self == .hydra ? [localRank] : []) }

    var rank: String {
      switch self {
      case .torchrun: "RANK"
      case .slurm: "SLURM_PROCID"
      case .openMPI: "OMPI_COMM_WORLD_RANK"
      case .hydra: "PMI_RANK"
      }
    }
    /// A Slurm script has a rank too, but no step.
    var size: String {
      switch self {
      case .torchrun: "WORLD_SIZE"
      case .slurm: "SLURM_STEP_NUM_TASKS"
      case .openMPI: "OMPI_COMM_WORLD_SIZE"
      case .hydra: "PMI_SIZE"
      }
    }
    var localRank: String {
      switch self {
      case .torchrun: "LOCAL_RANK"
      case .slurm: "SLURM_LOCALID"
      case .openMPI: "OMPI_COMM_WORLD_LOCAL_RANK"
      case .hydra: "MPI_LOCALRANKID"
      }
    }
    var localSize: String {
      switch self {
      case .torchrun: "LOCAL_WORLD_SIZE"
      case .slurm: "SLURM_STEP_TASKS_PER_NODE"
      case .openMPI: "OMPI_COMM_WORLD_LOCAL_SIZE"
      case .hydra: "MPI_LOCALNRANKS"
      }
    }
  }

  /// `4`, or Slurm's `4(x2),3`: of which the most counts, as it is not said which machine is which.
  private static func first(of text: String, _ name: String) throws -> Int {
    let counts = text.split(separator: ",").map { $0.prefix { $0 != "(" } }.map { Int($0) }
    guard let most = counts.compactMap({ $0 }).max(), !counts.contains(nil) else {
      throw Failure(.usage, "\(name) is '\(text)'; it must be a number")
    }
    return most
  }

  /// The first name of Slurm's list: `gpu07` of `gpu[07-09,12],cpu1`.
  static func firstHost(of list: String) -> String? {
    guard let bracket = list.firstIndex(of: "["), !list[..<bracket].contains(",") else {
      return list.split(separator: ",").first.map(String.init)
    }
    let rest = list[list.index(after: bracket)...]
    let first = rest.prefix { !",-]".contains($0) }
    let tail = rest.drop { $0 != "]" }.dropFirst().prefix { $0 != "," }
    return tail.contains("[") ? nil : String(list[..<bracket] + first + tail)
  }

  /// From 20,000 on, below what systems give away by themselves.
  private static func port(of job: String) -> Int {
    let hash = job.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return job.isEmpty ? 29_500 : 20_000 + Int(hash % 10_000)
  }
}
