import Imaging

/// One subject's anatomy and physiology, known at every position, from which any scan of this subject follows.
struct Person: Sendable {
  let fieldStrength: Double
  let tissue: TissueParameters
  let lesions: Lesions
  let deformation: Deformation
  let artefacts: Artefacts
  /// Grids of 30, 12, 8, 5 and 3 mm, so that each quantity has detail on several scales. Their functions:
  /// displacement x, y, z and iron; displacement x, y, z and how wide sulci are; where cortex ends and myelin, water,
  /// iron; lesion outline twice, vessels and water; own variation of R1, R2, density and myelin.
  let fields: [SplineField]
  /// How much wider this person's fluid spaces are, as a logarithm: brains shrink with age.
  let atrophy: Float
  /// Radius within which each scan is displaced, mm, and the displacement of each (RAS, mm).
  let shifts: [SIMD3<Double>]
  /// What the signal is multiplied by in each scan, so that grey matter lies near 400.
  let gains: [Double]

  /// What each stream of random numbers is for.
  enum Stream: UInt64 {
    case pose = 1
    case parameters, lesions, artefacts, fields, acquisition, noise

    func source(_ seed: UInt64, subject: Int, part: Int = 0) -> RandomSource {
      RandomSource(seed: seed, stream: UInt64(subject) << 32 | UInt64(part) << 8 | rawValue)
    }
  }

  /// Where the fields are known (mm): the field of view and the largest shift. It depends on no option, so a person
  /// is the same at every voxel size and shift.
  private static let low = SIMD3<Float>(-108, -142, -86)
  private static let high = SIMD3<Float>(108, 106, 98)

  init(_ subject: Int, of options: PhantomOptions, atlas: Atlas) {
    let (low, high) = (Self.low, Self.high)
    let seed = options.seed
    fieldStrength = options.fieldStrength(of: subject)
    var random = Stream.parameters.source(seed, subject: subject)
    tissue = TissueParameters(fieldStrength: fieldStrength).varied(&random)
    atrophy = Float(0.35 * min(max(random.normal(), -2), 2))
    random = Stream.lesions.source(seed, subject: subject)
    switch options.lesion(of: subject) {
    case .none: lesions = .none
    case .tumour: lesions = .tumour(Tumour(at: atlas.deepWhite, random: &random))
    case .plaques:
      lesions = .plaques(Plaque.some(at: atlas.periventricular, and: atlas.deepWhite, random: &random))
    }
    random = Stream.artefacts.source(seed, subject: subject)
    artefacts = Artefacts(bias: options.bias, low: low, high: high, random: &random)
    random = Stream.fields.source(seed, subject: subject)
    let scales: [(Float, SIMD4<Float>)] = [
      (30, [2.2, 2.4, 2.0, 0.35]), (12, [0.8, 0.8, 0.8, 0.35]), (8, [0.5, 0.7, 0.7, 0.35]),
      (5, [1, 1, 1, 0.6]), (3, [0.01, 0.01, 0.006, 0.5]),
    ]
    fields = scales.map { SplineField(low: low, high: high, spacing: $0, deviation: $1, random: &random) }
    random = Stream.pose.source(seed, subject: subject)
    var deformation = Deformation(coarse: fields[0], fine: fields[1], low: low, high: high, random: &random)
    if case .tumour(let tumour) = lesions {
      deformation.mass = (tumour.centre, 0.5, tumour.radius * 1.5)
    }
    self.deformation = deformation
    random = Stream.acquisition.source(seed, subject: subject)
    var (shifts, gains): ([SIMD3<Double>], [Double]) = ([], [])
    for modality in Modality.allCases {
      let sequence = PulseSequence(modality, fieldStrength: fieldStrength)
      let grey = SignalEquation(sequence)(tissue)[Tissue.grey.rawValue]
      gains.append(400 / Double(grey) * random.uniform(0.8, 1.25))
      shifts.append(modality == .t1 ? .zero : options.shift * Self.inUnitBall(&random))
    }
    // T2 and PD are the two echoes of one acquisition, as in IXI: they lie alike.
    if let pd = Modality.allCases.firstIndex(of: .pd), let t2 = Modality.allCases.firstIndex(of: .t2) {
      shifts[pd] = shifts[t2]
    }
    (self.shifts, self.gains) = (shifts, gains)
  }

  private static func inUnitBall(_ random: inout RandomSource) -> SIMD3<Double> {
    while true {
      let v = SIMD3<Double>(random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1))
      if (v * v).sum() <= 1 { return v }
    }
  }
}
