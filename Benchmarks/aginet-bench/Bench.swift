import ArgumentParser
import Foundation
import Torch

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aginet-bench",
    abstract: "Time aginet beside its PyTorch peer and say how it stands to its goals.",
    discussion: """
      Results go to stdout as Markdown, or into --output; progress goes to stderr. The peer is run by $AGINET_PYTHON \
      or python3; where torch cannot be imported its columns stay empty.
      """,
    subcommands: [
      Everything.self, Parity.self, MeasureCase.self, MeasureSubjects.self, MeasureSynthesis.self,
    ],
    defaultSubcommand: Everything.self)

  static func main() {
    // As the program itself does.
    LibTorch.keepMemory()
    LibTorch.flushDenormals()
    main(nil)
  }
}

struct Everything: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Measure.")

  enum Part: String, CaseIterable, ExpressibleByArgument {
    case networks, share, memory, prepare, loading, heads, synthesis, growth, operators
  }

  @Option(help: "Repetitions of each measurement (default: 7, quick 3).")
  var repeats: Int?
  @Flag(help: "Small cases and few repetitions.")
  var quick = false
  @Flag(help: "Also time the peer under torch.compile (needs a C++ compiler).")
  var compiled = false
  @Flag(help: "Time the single operators alone; the same as --only operators.")
  var operators = false
  @Option(parsing: .upToNextOption, help: "The parts to run (default: all).")
  var only: [Part] = []
  @Option(
    parsing: .upToNextOption,
    help:
      """
      small (4 x 128 x 128, width 32), single (1 x 256 x 256); of volumes patch (32 x 32 x 32, width 32), large-patch \
      (64 x 64 x 64, width 32), narrow-patch (48 x 48 x 48, width 16). Only where they are named: full (4 x 256 x 256), \
      half-paper (16 x 256 x 256, width 32), paper (16 x 256 x 256; trained beside the peer, some 25 GB of memory).
      """
  )
  var sizes: [String] = []
  @Option(parsing: .upToNextOption, help: "What the networks do: l1, pix2pix, inference (default: all).")
  var work: [Work] = []
  @Option(parsing: .upToNextOption, help: "The curves of the part growth: \(Curve.list) (default: all).")
  var curves: [Curve] = []
  @Flag(inversion: .prefixedNo, help: "Time the PyTorch peer too.")
  var peer = true
  @Option(parsing: .upToNextOption, help: "NIfTI files for the part prepare (default: generated).")
  var files: [String] = []
  @Option(help: "Where the networks are timed: cpu, cuda or cuda:N.")
  var device = "cpu"
  @Option(
    help: "What a GPU computes in, on both sides: float32, tf32 or bf16.", transform: Precision.named)
  var precision = Precision.float32
  @Option(help: "Threads for one operation.")
  var threads = 2
  @Option(help: "Folder of the PyTorch peer.")
  var peerFolder = "Benchmarks/peer"
  @Option(name: .shortAndLong, help: "File for the results.")
  var output: String?

  func run() throws {
    LibTorch.threads = threads
    let machine = Machine()
    let peer =
      self.peer ? Peer(folder: peerFolder, threads: threads, keeping: compiled ? 4 : 2, precision) : nil
    let lack = self.peer ? "torch cannot be imported by \(Peer.python)" : "left out"
    if self.peer && peer == nil { note("\(lack): no peer") }
    LibTorch.precision = precision
    var sections: [Section] = []
    func text() -> String {
      document(
        sections,
        machine.markdown(torch: peer?.version ?? "none: \(lack)", threads: threads, repeats: count))
    }
    let kept = output.map(byHand) ?? ""
    try measure(peer, Device(named: device)) {
      sections += $0
      // What there is so far stays, whatever becomes of the rest.
      guard let output else { return }
      try Data((text() + kept).utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
      note("written: \(output)")
    }
    if output == nil { print(text(), terminator: "") }
  }

  /// What a file has from a line on that says that people wrote the rest.
  private func byHand(_ file: String) -> String {
    let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    return text.range(of: "\n<!-- by hand -->\n").map { String(text[$0.lowerBound...]) } ?? ""
  }

  private var count: Int { max(1, repeats ?? (quick ? 3 : 7)) }

  private func chosenSizes() throws -> [Size] {
    let known: [String: Size] = [
      "small": .small, "single": .single, "full": .full, "paper": .paper, "patch": .patch,
      "large-patch": .largePatch, "narrow-patch": .narrowPatch, "half-paper": .halfPaper,
    ]
    if sizes.isEmpty {
      return quick ? [.small] : [.single, .small, .patch, .narrowPatch, .largePatch]
    }
    return try sizes.map { name in
      guard let size = known[name] else {
        throw ValidationError(
          "unknown size '\(name)'; known are \(known.keys.sorted().joined(separator: ", "))")
      }
      return size
    }
  }

  /// - Parameter finished: takes what each part found as soon as it is there.
  private func measure(_ peer: Peer?, _ device: Device, finished: ([Section]) throws -> Void) throws {
    let sizes = try chosenSizes()
    let parts = operators ? [.operators] : only.isEmpty ? Part.allCases : only
    var networks = NetworkSection(
      sizes: sizes, works: work.isEmpty ? Work.allCases : work, repeats: count, compiled: compiled,
      device: device, peer: peer)
    for part in Part.allCases where parts.contains(part) {
      switch part {
      case .networks: try finished(networks.run())
      case .share:
        let section = ShareSection(sizes: quick ? [.small] : [.single, .small], repeats: count)
        try finished([section.run()])
      case .memory: try finished([MemorySection(sizes: sizes, threads: threads, peer: peer).run()])
      case .prepare:
        let folder = self.peer ? peerFolder : nil
        try finished([PrepareSection(files: files, repeats: count, peerFolder: folder).run()])
      case .loading:
        let section = LoadingSection(stepSeconds: networks.stepSeconds, batches: quick ? 4 : 16)
        try finished([section.run()])
      case .heads: try finished(HeadsSection(repeats: count, quick: quick).run())
      case .synthesis:
        let section = SynthesisSection(slices: quick ? 16 : 150, width: quick ? 32 : 64, threads: threads)
        try finished([section.run()])
      case .growth:
        var section = GrowthSection(
          curves: curves.isEmpty ? Curve.allCases : curves, quick: quick, repeats: count, threads: threads)
        try section.run { try finished([$0]) }
      case .operators:
        let maps = Map.all(batches: [1, 4], quick: quick)
        try finished([OperatorSection(maps: maps, repeats: count).run()])
      }
    }
  }

  private func document(_ sections: [Section], _ machine: String) -> String {
    let goals = sections.flatMap(\.goals)
    var parts = ["# Benchmarks\n\nWritten by `make bench`; see `aginet-bench --help`.\n", machine]
    if !goals.isEmpty {
      parts.append("## Goals\n\n" + markdownTable(["what", "goal", "measured", "reached"], goals.map(\.row)))
    }
    return (parts + sections.map(\.markdown)).joined(separator: "\n")
  }
}

extension Work: ExpressibleByArgument {}

extension Precision {
  /// Of its name on a command line.
  static func named(_ name: String) throws -> Precision {
    guard let precision = Precision(rawValue: name) else {
      throw ValidationError(
        "unknown precision '\(name)'; known are \(allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return precision
  }
}

extension Curve: ExpressibleByArgument {
  fileprivate static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
