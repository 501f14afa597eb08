import Foundation
import Imaging

/// Reading and normalising NIfTI files, against nibabel with NumPy.
struct PrepareSection {
  /// Files of the user's own; empty makes four of 182 x 218 x 182 voxels.
  var files: [String]
  var repeats: Int
  let peerFolder: String?

  func run() throws -> Section {
    if !files.isEmpty { return try measure(files) }
    return try GeneratedScans.inTemporaryFolder { folder in
      try measure(
        (1...4).map { number in
          let path = "\(folder)/\(number).nii.gz"
          try NIfTI.write(GeneratedScans.volume([182, 218, 182], seed: UInt64(number)), to: path)
          return path
        })
    }
  }

  private func measure(_ files: [String]) throws -> Section {
    note("reading and normalising \(files.count) files")
    let threads = Parallel.coreCount
    let timings = try alternating(
      [
        warmed { try Parallel.forEach(count: files.count, threads: 1) { _ = try prepared(files[$0]) } },
        warmed { try Parallel.forEach(count: files.count, threads: threads) { _ = try prepared(files[$0]) } },
        { peerSeconds(files) },
      ], repeats: repeats)
    func row(_ name: String, _ timing: Timing?) -> [String] {
      [
        name, timing.map { ($0.median / Double(files.count)).text(significant: 3) + " s" } ?? "",
        timing?.text ?? "",
      ]
    }
    return Section(
      title: "Reading and normalising scans",
      method:
        "\(files.count) volumes (.nii.gz as given, or made: float32, 182 x 218 x 182): decompressed, checked, "
        + "divided by the 99.5th percentile and clipped. nibabel runs on one thread.",
      header: ["", "a volume", "all"],
      rows: [
        row("ours, one thread", timings[0]), row("ours, \(threads) threads", timings[1]),
        row("nibabel and NumPy", timings[2]),
      ],
      goals: [
        Goal("reading and normalising against nibabel, one thread", ratio(timings[0], timings[2]), limit: 1)
      ])
  }

  private func peerSeconds(_ files: [String]) -> Double? {
    guard let peerFolder,
      let output = Process.output(
        of: [Peer.python, "\(peerFolder)/nibabel_prepare.py", "--repeats", "1"] + files, quiet: true),
      let line = output.split(separator: "\n").last,
      let answer = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any],
      let seconds = answer["seconds_per_volume"] as? Double
    else { return nil }
    return seconds * Double(files.count)
  }
}

/// What `aginet prepare` does with a scan before it cuts slices.
private func prepared(_ path: String) throws -> Volume {
  var volume = try NIfTI.read(path: path).volume
  try volume.check(name: path)
  let scale = try IntensityScale(of: volume.voxels, name: path)
  scale.normalise(inPlace: &volume.voxels)
  return volume
}
