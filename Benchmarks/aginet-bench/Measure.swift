import ArgumentParser
import Foundation
import Imaging
import Layers
import Torch

/// Prints `MeasureCase.Figures` of one case as JSON.
struct MeasureCase: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "measure-case", shouldDisplay: false)

  struct Figures: Codable {
    /// Of the process before there was a network, and its most.
    var startBytes: Int, peakBytes: Int
    /// Of each repetition after a first one.
    var seconds: [Double]
    /// Of a repetition's forward passes (`LibTorch.countingMultiplyAdds`).
    var multiplyAdds: Int
    /// Trained scalars of the generator.
    var parameters: Int
  }

  @Option var work: String
  @Option var network: String
  @Option var batch: Int
  @Option var side: Int
  @Option var width: Int
  @Option var dimensions: Int
  @Option var groups: Int
  @Option var threads: Int
  @Option var repeats: Int

  /// Measures in a process of its own; nil, with a word about it, where that fails.
  static func figures(_ item: Case, threads: Int, repeats: Int) -> Figures? {
    let size = item.size
    return Process.figuresOfOwn([
      "measure-case", "--work", item.work.rawValue, "--network", item.network.rawValue, "--batch",
      "\(size.batch)", "--side", "\(size.side)", "--width", "\(size.width)", "--dimensions",
      "\(size.dimensions)", "--groups", "\(item.groups)", "--threads", "\(threads)", "--repeats",
      "\(repeats)",
    ])
  }

  func run() throws {
    guard let work = Work(rawValue: work), let network = Network(rawValue: network) else {
      throw ValidationError("unknown case")
    }
    LibTorch.threads = threads
    let startBytes = peakMemory() ?? 0
    let size = Size(batch: batch, side: side, width: width, dimensions: dimensions)
    let repetition = Case(work: work, network: network, size: size, groups: groups).prepared()
    let multiplyAdds = LibTorch.countingMultiplyAdds(repetition).count
    let seconds = (0..<repeats).map { _ in timed(repetition) }
    let peakBytes = peakMemory() ?? 0
    let store = Parameters()
    _ = network.generator(in: store, width: width, dimensions: dimensions, groups: groups)
    try printJSON(
      Figures(
        startBytes: startBytes, peakBytes: peakBytes, seconds: seconds, multiplyAdds: multiplyAdds,
        parameters: store.count))
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
      try printJSON(section.measured(files))
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

/// Prints `SubjectFigures` as JSON: of the preparation of `GeneratedScans.scans`, or of the store that came of it.
struct MeasureSubjects: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "measure-subjects", shouldDisplay: false)

  @Flag var prepares = false
  @Option var repeats: Int
  @Argument var folder: String

  func run() throws {
    try printJSON(
      prepares
        ? SubjectFigures(preparing: folder) : SubjectFigures(reading: folder, repeats: repeats))
  }
}

private func printJSON(_ value: some Encodable) throws {
  print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
}
