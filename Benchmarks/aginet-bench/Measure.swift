import ArgumentParser
import Foundation
import Imaging
import Torch

/// Prints the peak memory, in bytes, of three repetitions of one case.
struct MeasureMemory: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "measure-memory", shouldDisplay: false)

  @Option var work: String
  @Option var network: String
  @Option var batch: Int
  @Option var side: Int
  @Option var width: Int
  @Option var dimensions: Int
  @Option var threads: Int

  static func arguments(_ item: Case, threads: Int) -> [String] {
    [
      "measure-memory", "--work", item.work.rawValue, "--network", item.network.rawValue, "--batch",
      "\(item.size.batch)", "--side", "\(item.size.side)", "--width", "\(item.size.width)",
      "--dimensions", "\(item.size.dimensions)", "--threads", "\(threads)",
    ]
  }

  func run() throws {
    guard let work = Work(rawValue: work), let network = Network(rawValue: network) else {
      throw ValidationError("unknown case")
    }
    LibTorch.threads = threads
    let size = Size(batch: batch, side: side, width: width, dimensions: dimensions)
    let repetition = Case(work: work, network: network, size: size).prepared()
    for _ in 0..<3 { repetition() }
    print(peakMemory() ?? 0)
  }
}

/// Prints `SynthesisSection.Figures` as JSON.
struct MeasureSynthesis: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "measure-synthesis", shouldDisplay: false)

  @Option var slices: Int
  @Option var width: Int
  @Option var threads: Int
  /// The sources' files; without them this process makes them and measures in another one.
  @Argument var files: [String] = []

  static func arguments(_ section: SynthesisSection) -> [String] {
    [
      "measure-synthesis", "--slices", "\(section.slices)", "--width", "\(section.width)", "--threads",
      "\(section.threads)",
    ]
  }

  func run() throws {
    let section = SynthesisSection(slices: slices, width: width, threads: threads)
    guard files.isEmpty else {
      LibTorch.threads = threads
      let encoded = try JSONEncoder().encode(section.measured(files))
      print(String(decoding: encoded, as: UTF8.self))
      return
    }
    try GeneratedScans.inTemporaryFolder { folder in
      let paths = try ["t1", "t2"].enumerated().map { index, name in
        let path = "\(folder)/\(name).nii.gz"
        let side = SynthesisSection.side
        try NIfTI.write(GeneratedScans.volume([side, side, slices], seed: UInt64(index + 1)), to: path)
        return path
      }
      print(Process.outputOfOwn(MeasureSynthesis.arguments(section) + paths) ?? "")
    }
  }
}
