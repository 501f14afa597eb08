import Foundation

/// What a curve varies.
enum Curve: String, CaseIterable, Sendable {
  case batch, side, width, groups, subjects

  /// Those of a short run stop at the base.
  func values(quick: Bool) -> [Int] {
    let all =
      switch self {
      case .batch: [1, 2, 4, 8, 16]
      case .side: [64, 128, 192, 256, 384]
      case .width: [8, 16, 32, 64]
      case .groups: [2, 4, 8, 16]
      case .subjects: [8, 32, 128, 512]
      }
    return quick ? all.filter { $0 <= base } : all
  }

  /// Where the curves of networks meet; of a store's the point to which the others are compared.
  var base: Int {
    switch self {
    case .batch: 4
    case .side: 128
    case .width: 16
    case .groups: Case.groups
    case .subjects: 32
    }
  }
}

/// Time and memory of networks against batch, side, width and groups, and of a run's data against the number of subjects.
struct GrowthSection {
  var curves: [Curve]
  var quick: Bool
  var repeats: Int
  var threads: Int

  /// What was measured of a case; nil where its process failed. Curves meet in a point, which is measured once.
  private var measured: [String: MeasureCase.Figures?] = [:]
  private var summary: [[String]] = []

  init(curves: [Curve], quick: Bool, repeats: Int, threads: Int) {
    (self.curves, self.quick, self.repeats, self.threads) = (curves, quick, repeats, threads)
  }

  /// - Parameter finished: takes each section as soon as it is there.
  mutating func run(finished: (Section) throws -> Void) rethrows {
    for curve in curves {
      if curve == .subjects {
        let subjects = SubjectCurve(counts: curve.values(quick: quick), repeats: repeats)
        let (section, rows) = subjects.run()
        summary += rows
        try finished(section)
      } else {
        try finished(networks(curve))
      }
    }
    try finished(
      Section(
        title: "Growth, exponents",
        method:
          "e of the fit time ~ workᵉ and memory ~ bytesᵉ over each curve: at 1 they grow as their work does, above "
          + String(format: "%.1f", Growth.limit)
          + " faster, which the last column says. Empty where the work hardly changes or nothing was measured.",
        header: ["what", "time", "memory", "faster than its work"], rows: summary))
  }

  // MARK: Networks

  private mutating func networks(_ curve: Curve) -> Section {
    var rows: [[String]] = []
    for network in curve == .groups ? [Network.agiNet] : Network.allCases {
      for work in [Work.l1, .inference] { rows += series(curve, network, work) }
    }
    return Section(
      title: "Growth against \(curve.rawValue)",
      method:
        "Two sources, batch \(Curve.batch.base), \(Curve.side.base) x \(Curve.side.base), width "
        + "\(Curve.width.base), n = \(Curve.groups.base), but for what varies; each point in a process of its own, "
        + "\(repeats) repetitions. Multiply-adds are those of direct convolutions, a training step's three times its "
        + "forward pass's. Memory is the process's most, without what it held before there was a network; its "
        + "bytes are the least that could do (weights, in training gradients and moments, and maps). The columns "
        + "\"each\" are time for a multiply-add and memory for a byte, relative to the base.",
      header: ["what", curve.rawValue, "multiply-adds", "time", "each", "memory", "each"], rows: rows)
  }

  private mutating func series(_ curve: Curve, _ network: Network, _ work: Work) -> [[String]] {
    let values = curve.values(quick: quick)
    let name = "\(network.title), \(work.title)"
    let cases = values.map { item(curve, $0, network, work) }
    let figures = cases.map { measure($0) }
    let base = values.firstIndex(of: curve.base) ?? 0
    let timings = figures.map { $0.flatMap { Timing($0.seconds) } }
    let memory = figures.map { $0.map { Double($0.peakBytes - $0.startBytes) } }
    let counts = figures.map { Double(($0?.multiplyAdds ?? 0) * (work.trains ? 3 : 1)) }
    let bytes = zip(cases, figures).map { Double($0.leastBytes(parameters: $1?.parameters ?? 0)) }
    let times = Growth(zip(counts, timings).map { ($0, $1?.median) }, base: base)
    let memories = Growth(zip(bytes, memory).map { ($0, $1) }, base: base)
    summary.append(
      Growth.row("\(name), against \(curve.rawValue)", times: times, memories: memories))
    return values.indices.map { index in
      [
        name, "\(values[index])",
        figures[index] == nil ? "failed" : (counts[index] / 1e9).text(significant: 3) + " G",
        timings[index]?.text ?? "", times.relativeTexts[index],
        memory[index].map { Int($0).megabytes } ?? "", memories.relativeTexts[index],
      ]
    }
  }

  private func item(_ curve: Curve, _ value: Int, _ network: Network, _ work: Work) -> Case {
    var item = Case(
      work: work, network: network,
      size: Size(batch: Curve.batch.base, side: Curve.side.base, width: Curve.width.base))
    switch curve {
    case .batch: item.size.batch = value
    case .side: item.size.side = value
    case .width: item.size.width = value
    case .groups: item.groups = value
    case .subjects: break
    }
    return item
  }

  private mutating func measure(_ item: Case) -> MeasureCase.Figures? {
    let name = "\(item.network.title), \(item.work.title), \(item.size), n = \(item.groups)"
    if let known = measured[name] { return known }
    note("growth: \(name)")
    let found = MeasureCase.figures(item, threads: threads, repeats: repeats)
    if let found, let timing = Timing(found.seconds) {
      note("  \(timing.text), \(found.peakBytes.megabytes)")
    }
    measured.updateValue(found, forKey: name)
    return found
  }
}

extension Growth {
  /// A row of the exponents' table.
  static func row(_ what: String, times: Growth, memories: Growth?) -> [String] {
    func isFast(_ growth: Growth?) -> Bool { (growth?.exponent ?? 0) > limit }
    let faster = [isFast(times) ? "time" : nil, isFast(memories) ? "memory" : nil].compactMap { $0 }
    return [what, times.exponentText, memories?.exponentText ?? "", faster.joined(separator: ", ")]
  }
}

extension Case {
  /// Bytes in float32 without which it cannot be done, to compare sizes: the weights, in training with gradients and Adam's two
  /// moments; the sources; and of the maps in training two for each of the residual blocks, else the skips and two of the
  /// first level.
  func leastBytes(parameters: Int) -> Int {
    /// Of the four levels.
    let maps = (0..<4).map { level in
      size.space.reduce(size.batch * size.width << level) { $0 * ($1 >> level) }
    }
    let sources = size.space.reduce(size.batch * Case.sources, *)
    // Four blocks at each level, two down and two up, but two in the body.
    let kept =
      work.trains
      ? 2 * (4 * maps.prefix(3).reduce(0, +) + 2 * maps[3]) : maps.prefix(3).reduce(0, +) + 2 * maps[0]
    return 4 * (parameters * (work.trains ? 4 : 1) + sources + kept)
  }
}
