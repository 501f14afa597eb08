import Cohorts
import Experiments
import Foundation
import Imaging

/// How fast heads are computed for training, on one thread and on as many as there are cores.
struct HeadsSection {
  var repeats: Int
  var quick: Bool
  private let side = 128, batchSize = 32

  /// Nothing where no label maps are at hand.
  func run() throws -> [Section] {
    guard let folder = ProcessInfo.processInfo.environment["AGINET_ANATOMIES"] else {
      note("computed heads are left out: AGINET_ANATOMIES names no folder of label maps")
      return []
    }
    note("computed heads")
    let anatomies = try Anatomies(folder: folder)
    let cores = Parallel.coreCount
    let rows = try [1, 2, 4, 8, 16, 32].filter { $0 <= cores }.map { threads in
      let timing = try time(anatomies, threads: threads)
      let rate = Double(batchSize * batches(threads)) / timing.median
      return [
        "\(threads)", String(format: "%.0f", rate), String(format: "%.0f", rate / Double(threads)),
      ]
    }
    return [
      Section(
        title: "Computed heads",
        method:
          "Batches of \(batchSize) slices of \(side) x \(side) with five contrasts each, made ahead by loader threads and fetched "
          + "by one more that does nothing else, of \(anatomies.names.count) label maps; \(cores) cores.",
        header: ["threads", "slices a second", "a thread"], rows: rows)
    ]
  }

  private func batches(_ threads: Int) -> Int { max(quick ? 2 : 4, 2 * threads) }

  private func time(_ anatomies: Anatomies, threads: Int) throws -> Timing {
    let stream = try PhysicsStream(
      anatomies, PhysicsOptions(), modalities: Modality.allCases, extent: Extent(side, side),
      batchSize: batchSize, seed: 1, threads: threads)
    defer { stream.stop() }
    let contender = try warmed { for _ in 0..<batches(threads) { _ = try stream.next() } }
    guard let timing = try alternating([contender], repeats: min(repeats, 5))[0] else {
      throw CancellationError()
    }
    return timing
  }
}
