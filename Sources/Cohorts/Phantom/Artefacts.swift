import Imaging

/// What the scanner adds to a scan: uneven sensitivity and noise.
///
/// Bias is exp(b (s + o / 4)): s, the sensitivity of the receiving coil, is the same for all scans of a subject, o
/// the transmit field's part, each scan's own. Noise is Rician: the magnitude of a complex signal with Gaussian
/// noise of equal deviation in both channels (Gudbjartsson and Patz 1995).
struct Artefacts: Sendable {
  private let fields: [SplineField]
  private let bias: Float

  /// Functions of position over the field of view; `low` and `high` in mm.
  init(bias: Double, low: SIMD3<Float>, high: SIMD3<Float>, random: inout RandomSource) {
    self.bias = Float(bias)
    let ones = SIMD4<Float>(repeating: 1)
    fields = (0..<2).map { _ in
      SplineField(low: low, high: high, spacing: 75, deviation: ones, limit: 2, random: &random)
    }
  }

  /// The bias along rows of a slice, as `evaluate` asks for them.
  struct Rows {
    private var coil: SplineRows
    private var own: SplineRows
    private let lane: Int
    private let bias: Float
    private var scratch: ([SIMD4<Float>], [SIMD4<Float>])

    fileprivate init(_ artefacts: Artefacts, modality: Modality, x: [Float]) {
      let position = Modality.allCases.firstIndex(of: modality) ?? 0
      // Lane 0 of the first field is the coil; the scans' own take the next lanes, over both fields.
      coil = SplineRows(artefacts.fields[0], x: x)
      own = SplineRows(artefacts.fields[position < 3 ? 0 : 1], x: x)
      lane = position < 3 ? position + 1 : position - 3
      bias = artefacts.bias
      let empty = [SIMD4<Float>](repeating: .zero, count: x.count)
      scratch = (empty, empty)
    }

    mutating func move(toZ z: Float) {
      coil.move(toZ: z)
      own.move(toZ: z)
    }

    mutating func evaluate(y: Float, into row: inout [Float]) {
      coil.evaluate(y: y, in: row.indices, into: &scratch.0)
      own.evaluate(y: y, in: row.indices, into: &scratch.1)
      for i in row.indices {
        let exponent = bias * (scratch.0[i].x + 0.25 * scratch.1[i][lane])
        row[i] = exponential(SIMD8<Float>(repeating: exponent))[0]
      }
    }
  }

  func rows(of modality: Modality, x: [Float]) -> Rows { Rows(self, modality: modality, x: x) }

  /// The magnitude of a signal with complex noise of this deviation in each channel.
  @inline(__always)
  static func rician(_ signal: Float, deviation: Float, random: inout RandomSource) -> Float {
    let real = signal + deviation * Float(random.normal())
    let imaginary = deviation * Float(random.normal())
    return (real * real + imaginary * imaginary).squareRoot()
  }
}
