import Failures
import Imaging
import Networks

extension Demand {
  /// Why images of this extent do not meet it, with what would help; nil where they do.
  /// - Parameter pads: whether zeros are put around images; nil where the method cannot.
  /// - Throws: what is wrong with a file.
  func refusal(of extent: Extent, in method: String, pads: Bool?) throws -> String? {
    let shortest = extent.sizes.min() ?? 0
    func sides(_ length: Int) -> String {
      Extent(sizes: extent.sizes.map { _ in length }).description
    }
    let larger =
      extent.dimensions == 3 ? "choose a larger \(Term.region)" : "prepare with a larger \(Term.size)"
    func set(_ option: String, _ value: String) -> Term { .setting("\(method).\(option)", value) }
    switch self {
    case .side(let least, let levels):
      guard shortest < least else { return nil }
      guard let levels else {
        return "\(method) needs \(sides(least)) or more, \(larger)"
      }
      return "\(method)'s U-Net of \(least.trailingZeroBitCount + 1) levels needs \(sides(least)) or more; "
        + "\(larger), or name fewer levels (\(set(levels, "[1,2,2]")))"
    case .judgedSide(let least, let weight):
      guard shortest < least else { return nil }
      return "\(method)'s discriminator needs \(sides(least)) or more, "
        + "\(larger), or train without it: \(set(weight, "0"))"
    case .multiple(let multiple, let levels):
      // The bits that all sides lack at the end: how often all are even.
      let possible = extent.sizes.reduce(0, |).trailingZeroBitCount
      let wanted = multiple.trailingZeroBitCount
      guard possible < wanted, pads != true else { return nil }
      let zeros = pads == nil ? nil : "\(set("padding", "true")) to put zeros around them"
      let fewer = possible < 2 ? nil : levels.map { "\(set($0, "\(possible)"))" }
      let remedies = [zeros, fewer].compactMap { $0 }.joined(separator: ", or ")
      return "\(method)\(levels == nil ? "" : " with \(wanted) levels") needs multiples of \(multiple)"
        + (remedies.isEmpty ? "" : ": \(remedies)")
    case .file(let path, let read):
      try read(path)
      return nil
    }
  }
}
