import Failures
import Files
import Foundation
import Imaging
import Methods

/// What a work will take, told without doing it.
public struct Estimate: Codable, Sendable {
  /// Processes that share the work out, of each of which the figures are; nil where there is one.
  public var processes: Int?
  /// Bytes at the most, the program included; nil where the system does not tell.
  public var memory: Int?
  /// Of them the program with its networks, the images that it holds, and a batch on its way through the networks.
  public var program: Int?, images: Int, batch: Int?
  /// The memory that there is, and what sets its limit.
  public var limit: Int?, limitOrigin: String?
  /// What goes through the networks, in the plural, how many at a time, and how many times.
  public var samples: String, batchSize: Int, batches: Int
  /// Of these times, how many only tell how far the model can be relied on.
  public var verifying: Int
  /// How many times more, at the most, where the given scans predict each other so badly that their names are tried the other way
  /// round, and each of them turned over; `seconds` is without.
  public var exchanging: Int
  /// For a batch, and for all of them.
  public var batchSeconds: Double, seconds: Double

  /// - Parameter images: bytes.
  public init(
    _ trial: Trial, images: Int, of samples: String, batchSize: Int, batches: Int, verifying: Int = 0,
    exchanging: Int = 0
  ) {
    (program, batch, self.images) = (trial.before, trial.beyond, images)
    memory = trial.before.flatMap { before in trial.beyond.map { before + images + $0 } }
    (limit, limitOrigin) = (MemoryLimit.own?.bytes, MemoryLimit.own?.origin)
    (self.samples, self.batchSize, self.batches) = (samples, batchSize, batches)
    (self.verifying, self.exchanging) = (verifying, exchanging)
    (batchSeconds, seconds) = (trial.seconds, trial.seconds * Double(batches))
  }

  /// Counts so many bytes more of images.
  package mutating func holds(_ bytes: Int) {
    images += bytes
    memory = memory.map { $0 + bytes }
  }

  /// Whether it needs more memory than there is.
  public var isTooLarge: Bool { (memory ?? 0) > limit ?? .max }

  /// `12.3 GiB`
  public static func gibibytes(_ bytes: Double) -> String {
    let gibibytes = bytes / Double(1 << 30)
    return String(format: gibibytes < 10 ? "%.2f GiB" : "%.0f GiB", gibibytes)
  }
}

extension Predictor {
  /// What a pass over a patient's volumes will take at the most: empty slices and patches are counted too, reading and
  /// writing are not.
  ///
  /// Memory is the program's, that of the images, and what a batch needs, which is measured by sending one through.
  /// - Parameters:
  ///   - sizes: columns, rows and planes of the volumes as the network sees them: of each plane that it sees them in.
  ///   - batchSize: slices or patches at a time.
  ///   - size: the same where sources are hidden.
  ///   - images: bytes of all volumes that are held at the most.
  ///   - hidden: sources that are hidden in turn before, and predicted in some of the planes.
  /// - Throws: `.limit` where smaller batches tell that there is too little memory for one.
  func estimate(
    of sizes: [SIMD3<Int>], by card: ModelCard, batchSize: Int, verifyingIn size: SIMD3<Int>, images: Int,
    hidden: Int
  ) throws -> Estimate {
    func boxes(_ size: SIMD3<Int>) -> VolumeBoxes {
      VolumeBoxes(of: size, extent: card.extent, depth: card.region.depth)
    }
    let passes = sizes.map(boxes)
    let hiding = boxes(size)
    let count = min(batchSize, passes.map(\.count).max() ?? 1)
    let sources = card.scenario.sources.count
    func batches(of boxes: Int) -> Int { (boxes + count - 1) / count }
    // Patches overlap, so that hardly one of them is without one of the planes.
    let seen = hiding.areBlended ? hiding.count : min(Verification.planes, hiding.count)
    let verifying = hidden * batches(of: seen)
    // Each two names, and each scan mirrored: of two, one.
    let trials = hidden > 1 ? hidden * (hidden - 1) / 2 + (hidden == 2 ? 1 : hidden) : 0
    let shapes = (passes + [hiding]).map { $0.shape(of: count, sources: sources) }
    let largest = shapes.max { $0.reduce(1, *) < $1.reduce(1, *) } ?? shapes[0]
    let trial = try trial(of: largest, beside: images) { bytes, limit in
      Failure(
        .limit,
        "\(count) \(card.region.samples) at a time need more than \(Estimate.gibibytes(bytes)), and there are "
          + "\(Estimate.gibibytes(Double(limit.bytes))) (\(limit.origin)); choose a smaller \(Term.batchSize)"
      )
    }
    return Estimate(
      trial, images: images, of: card.region.samples, batchSize: count,
      batches: passes.reduce(verifying) { $0 + batches(of: $1.count) }, verifying: verifying,
      exchanging: trials * verifying)
  }
}
