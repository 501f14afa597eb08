import Imaging

/// What the scanner adds to a scan: uneven sensitivity and noise.
///
/// Bias is exp(b (s + c o)): s, the sensitivity of the receiving coil, is the same for all scans of a subject. o is the
/// transmit field's effect on one acquisition: T2 and PD are two echoes of one, T1 before and after contrast medium
/// the same twice. It weighs more (c = 0.8) in gradient echoes, where it turns the flip angle, than in spin echoes
/// (0.1) and FLAIR (0.25). Noise is Rician: the magnitude of a complex signal with Gaussian
/// noise of equal deviation in both channels (Gudbjartsson and Patz 1995).
struct Artefacts: Sendable {
  private let field: SplineField
  private let bias: Float

  /// Functions of position over the field of view; `low` and `high` in mm.
  init(bias: Double, low: SIMD3<Float>, high: SIMD3<Float>, random: inout RandomSource) {
    self.bias = Float(bias)
    let ones = SIMD4<Float>(repeating: 1)
    field = SplineField(low: low, high: high, spacing: 75, deviation: ones, limit: 2, random: &random)
  }

  /// The bias along rows of a slice, as `evaluate` asks for them.
  struct Rows {
    private var rows: SplineRows
    private let lane: Int
    private let coil: Float
    private let own: Float
    private var scratch: [SIMD4<Float>]

    init(_ artefacts: Artefacts, modality: Modality, x: [Float]) {
      rows = SplineRows(artefacts.field, x: x)
      let share: Float
      // Lane 0 is the coil.
      switch modality {
      case .t1, .t1gd: (lane, share) = (1, 0.8)
      case .t2, .pd: (lane, share) = (2, 0.1)
      case .flair: (lane, share) = (3, 0.25)
      }
      coil = artefacts.bias
      own = artefacts.bias * share
      scratch = [SIMD4<Float>](repeating: .zero, count: x.count)
    }

    mutating func move(toZ z: Float) { rows.move(toZ: z) }

    mutating func evaluate(y: Float, into row: inout [Float]) {
      rows.evaluate(y: y, in: row.indices, into: &scratch)
      for i in row.indices {
        let exponent = coil * scratch[i].x + own * scratch[i][lane]
        row[i] = exponential(SIMD8<Float>(repeating: exponent))[0]
      }
    }
  }

  /// The magnitude of a signal with complex noise of this deviation in each channel.
  @inline(__always)
  static func rician(_ signal: Float, deviation: Float, random: inout RandomSource) -> Float {
    let real = signal + deviation * Float(random.normal())
    let imaginary = deviation * Float(random.normal())
    return (real * real + imaginary * imaginary).squareRoot()
  }
}
