/// One of the 48 ways the axes of a grid can run along the patient's axes, written as three letters: where i, j
/// and k increase to (`LPS`: i to the patient's Left, j to Posterior, k to Superior).
public struct Orientation: Sendable, Hashable, CustomStringConvertible {
  /// For i, j and k, the world axis it runs along: 0 right-left, 1 anterior-posterior, 2 superior-inferior.
  public let axes: SIMD3<Int>
  /// For i, j and k, 1 where it increases to Right, Anterior or Superior, otherwise -1.
  public let signs: SIMD3<Int>

  /// What the networks see: slice k as an image of rows j and columns i is the radiologist's axial view.
  public static let lps = Orientation(axes: [0, 1, 2], signs: [-1, -1, 1])
  /// NIfTI's world axes themselves.
  public static let ras = Orientation(axes: [0, 1, 2], signs: [1, 1, 1])

  /// All 48, in a fixed order.
  public static let all: [Orientation] = permutations.flatMap { axes in
    (0..<8).map { bits in
      Orientation(axes: axes, signs: [1 - 2 * (bits & 1), 1 - (bits & 2), 1 - (bits & 4) / 2])
    }
  }

  private static let permutations: [SIMD3<Int>] = [
    [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
  ]

  private init(axes: SIMD3<Int>, signs: SIMD3<Int>) {
    self.axes = axes
    self.signs = signs
  }

  /// Reads `LPS`, `ras`, …; nil unless each axis is named once.
  public init?(_ letters: some StringProtocol) {
    var axes: [Int] = []
    var signs: [Int] = []
    for letter in letters.uppercased() {
      guard let place = Orientation.letters.firstIndex(of: letter) else { return nil }
      axes.append(place / 2)
      signs.append(place % 2 == 0 ? 1 : -1)
    }
    guard axes.sorted() == [0, 1, 2] else { return nil }
    self.init(axes: [axes[0], axes[1], axes[2]], signs: [signs[0], signs[1], signs[2]])
  }

  /// The nearest orientation of a possibly oblique grid: the assignment of axes with the largest sum of cosines.
  public init(of affine: Affine) {
    let size = affine.spacing
    func cosine(_ axis: Int, _ world: Int) -> Double { affine.rows[world][axis] / size[axis] }
    var best = Orientation.permutations[0]
    var bestSum = -Double.infinity
    for axes in Orientation.permutations {
      let sum = (0..<3).reduce(0) { $0 + abs(cosine($1, axes[$1])) }
      // Strictly better by more than rounding, so that a tie always falls the same way.
      if sum > bestSum + 1e-9 { (best, bestSum) = (axes, sum) }
    }
    var signs = SIMD3<Int>.one
    for axis in 0..<3 where cosine(axis, best[axis]) < 0 { signs[axis] = -1 }
    self.init(axes: best, signs: signs)
  }

  private static let letters: [Character] = ["R", "L", "A", "P", "S", "I"]

  public var description: String {
    String((0..<3).map { Orientation.letters[2 * axes[$0] + (signs[$0] < 0 ? 1 : 0)] })
  }
}
