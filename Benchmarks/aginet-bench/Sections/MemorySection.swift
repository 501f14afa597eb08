import Foundation

/// The most memory that a training step takes, each in a process of its own.
struct MemorySection {
  var sizes: [Size]
  var threads: Int
  let peer: Peer?

  func run() -> Section {
    var section = Section(
      title: "Peak memory of a training step",
      method:
        "The process's peak resident memory over three steps of AGI-Net, libraries and Python included.",
      header: ["what", "ours", "PyTorch", "ratio"], rows: [])
    for size in sizes {
      for work in size.timing([.l1, .pix2pix]) {
        let item = Case(work: work, network: .agiNet, size: size)
        note("memory of a \(work.title), \(size)")
        let ours = MeasureCase.figures(item, threads: threads, repeats: 2)?.peakBytes
        let theirs = peer?.peakMemory(item)
        let what = "\(work.title), \(size)"
        var quotient: Double?
        if let ours, let theirs { quotient = Double(ours) / Double(theirs) }
        section.rows.append([
          what, ours?.megabytes ?? "", theirs?.megabytes ?? "",
          quotient.map { String(format: "%.3f", $0) } ?? "",
        ])
        section.goals.append(
          Goal("peak memory against eager PyTorch: \(what)", quotient, limit: 1))
      }
    }
    return section
  }
}
