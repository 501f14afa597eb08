import Imaging

/// The order in which training sees the slices: one seeded permutation an epoch, laid end to end.
///
/// A pure function of (count, seed): a run that resumes at iteration t draws what the uninterrupted one would.
struct Shuffle: Sendable {
  let count: Int
  let seed: UInt64
  private var epoch = -1
  private var permutation: [Int] = []

  init(count: Int, seed: UInt64) {
    precondition(count > 0)
    self.count = count
    self.seed = seed
  }

  /// The slice drawn at a place of the endless sequence, and the epoch it falls in.
  mutating func draw(_ place: Int) -> (index: Int, epoch: Int) {
    let (wanted, offset) = place.quotientAndRemainder(dividingBy: count)
    if wanted != epoch {
      epoch = wanted
      var random = RandomSource(seed: seed, stream: UInt64(wanted))
      permutation = random.permutation(count)
    }
    return (permutation[offset], wanted)
  }
}
