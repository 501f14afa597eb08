/// The first honest baseline: the one source that, copied as it is, is closest to the target.
///
/// The choice is made on the training (or validation) split, by name, and then holds for the test split.
/// Sources and target are scaled to [0, 1], as the network sees them.
public struct BestSource: Sendable, Equatable {
  public let sources: [String]
  private var totals: [Double]
  public private(set) var slices = 0

  public init(sources: [String]) {
    self.sources = sources
    totals = [Double](repeating: 0, count: sources.count)
  }

  /// Counts one slice: its sources in the order of `sources`, and its target.
  public mutating func add(sources images: [[Float]], target: [Float]) {
    precondition(images.count == sources.count, "\(images.count) images for sources \(sources)")
    for (i, image) in images.enumerated() { totals[i] += min(PixelErrors(image, target).psnr(), 100) }
    slices += 1
  }

  /// Mean PSNR of each source over the slices, in dB; a slice without error counts as 100 dB in this choice.
  public var psnr: [Double] { totals.map { $0 / Double(slices) } }

  /// Position of the best source; the first of equals. Nothing before a slice was counted.
  public var position: Int? {
    let psnr = psnr
    return slices > 0 ? psnr.indices.max { psnr[$0] < psnr[$1] } : nil
  }

  /// Name of the best source.
  public var name: String? { position.map { sources[$0] } }
}
