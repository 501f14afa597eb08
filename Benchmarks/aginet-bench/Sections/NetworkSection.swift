import Torch

/// Training steps and inference of both networks, ours and the peer's in turn.
struct NetworkSection {
  var sizes: [Size]
  var works: [Work]
  var repeats: Int
  var compiled: Bool
  var device: Device
  let peer: Peer?

  /// The columns: who runs which network.
  private enum Column: CaseIterable {
    case resunet, agiNet, eagerResunet, eagerAGINet, compiledResunet, compiledAGINet

    var network: Network {
      switch self {
      case .resunet, .eagerResunet, .compiledResunet: .resunet
      case .agiNet, .eagerAGINet, .compiledAGINet: .agiNet
      }
    }
    var mode: Peer.Mode? {
      switch self {
      case .resunet, .agiNet: nil
      case .eagerResunet, .eagerAGINet: .eager
      case .compiledResunet, .compiledAGINet: .compiled
      }
    }
    var title: String {
      switch mode {
      case nil: network.title
      case .eager: "PyTorch \(network.title)"
      case .compiled: "compiled \(network.title)"
      }
    }
  }

  /// Seconds of our AGI-Net's training step by L1 for each size, for the share that data loading takes.
  private(set) var stepSeconds: [Size: Double] = [:]

  init(sizes: [Size], works: [Work], repeats: Int, compiled: Bool, device: Device, peer: Peer?) {
    (self.sizes, self.works, self.repeats) = (sizes, works, repeats)
    (self.compiled, self.device, self.peer) = (compiled, device, peer)
  }

  mutating func run() throws -> [Section] {
    let columns = Column.allCases.filter {
      $0.mode == nil || (peer != nil && (compiled || $0.mode == .eager))
    }
    var seconds = Section(
      title: "Networks, seconds",
      method:
        "AGI-Net (n = 8) and ResUnet, two sources, channels-last \(LibTorch.precision.title), fused Adam on both sides, on \(device).",
      header: ["what"] + columns.map(\.title), rows: [])
    var ratios = Section(
      title: "Networks, ratios of medians",
      method: "Below 1, the first of the two is the faster one.",
      header: [
        "what", "AGI-Net / ResUnet", "AGI-Net / PyTorch AGI-Net", "ResUnet / PyTorch ResUnet",
        "PyTorch AGI-Net / PyTorch ResUnet",
      ] + (compiled ? ["AGI-Net / compiled AGI-Net", "ResUnet / compiled ResUnet"] : []), rows: [])
    var rates = Section(
      title: "Networks, images a second", method: "The batch by the median.", header: seconds.header, rows: []
    )
    for size in sizes {
      for work in size.timing(works) {
        note("\(work.title), \(size)")
        let timings = try measure(columns, work, size)
        let what = "\(work.title), \(size)"
        seconds.rows.append([what] + columns.map { timings[$0]?.text ?? "" })
        rates.rows.append([what] + columns.map { timings[$0].map { rate(size, $0) } ?? "" })
        var cells = [
          what, ratioText(timings[.agiNet], timings[.resunet]),
          ratioText(timings[.agiNet], timings[.eagerAGINet]),
          ratioText(timings[.resunet], timings[.eagerResunet]),
          ratioText(timings[.eagerAGINet], timings[.eagerResunet]),
        ]
        if compiled {
          cells.append(ratioText(timings[.agiNet], timings[.compiledAGINet]))
          cells.append(ratioText(timings[.resunet], timings[.compiledResunet]))
        }
        ratios.rows.append(cells)
        ratios.goals += goals(work, size, timings)
        if work == .l1 && size.dimensions == 2 { stepSeconds[size] = timings[.agiNet]?.median }
        note("  " + zip(ratios.header, cells).dropFirst().map { "\($0) \($1)" }.joined(separator: "; "))
      }
    }
    return device == .cpu ? [ratios, seconds] : [rates, ratios, seconds]
  }

  private func rate(_ size: Size, _ timing: Timing) -> String {
    (Double(size.batch) / timing.median).text(significant: 3)
  }

  private func measure(_ columns: [Column], _ work: Work, _ size: Size) throws -> [Column: Timing] {
    let contenders: [Contender] = columns.map { column in
      let item = Case(work: work, network: column.network, size: size, device: device)
      guard let mode = column.mode else { return warmed(item.prepared()) }
      // The peer warms a case when it is first asked for.
      _ = peer?.seconds(item, mode)
      return { [peer] in peer?.seconds(item, mode) }
    }
    let timings = try alternating(contenders, repeats: repeats)
    peer?.release()
    var byColumn: [Column: Timing] = [:]
    for (column, timing) in zip(columns, timings) { byColumn[column] = timing }
    return byColumn
  }

  private func goals(_ work: Work, _ size: Size, _ timings: [Column: Timing]) -> [Goal] {
    let what = "\(work.title), \(size)"
    var goals = [
      Goal(
        "AGI-Net against our own ResUnet: \(what)", ratio(timings[.agiNet], timings[.resunet]),
        limit: size.dimensions == 3 ? 1.15 : work.trains ? 1.10 : 1.08)
    ]
    let eager = size.dimensions == 3 ? 0.75 : work.trains ? 0.45 : 0.4
    goals.append(
      Goal(
        "AGI-Net against eager PyTorch: \(what)", ratio(timings[.agiNet], timings[.eagerAGINet]), limit: eager
      ))
    if compiled {
      goals.append(
        Goal(
          "AGI-Net against compiled PyTorch: \(what)", ratio(timings[.agiNet], timings[.compiledAGINet]),
          limit: size.dimensions == 3 ? 0.9 : work.trains ? 0.55 : 0.4))
    }
    return goals
  }
}
