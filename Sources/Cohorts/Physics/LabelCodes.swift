import Failures

/// A convention of label maps: which code stands for which tissue.
///
/// Sources of the codes: FreeSurfer's FreeSurferColorLUT.txt, with the extracerebral 50x of CHARM's atlas (Puonti et al.
/// 2020) that SynthSeg's maps use; GIF's hierarchical parcellation (Cardoso et al. 2015); FSL's FAST (1 fluid, 2 grey,
/// 3 white); and `TissueClass` itself.
enum LabelCodes: String, Sendable {
  case freeSurfer = "FreeSurfer"
  case gif = "GIF"
  case fast = "FAST"
  case tissueClasses = "aginet"

  /// The convention that codes (without 0) are of; throws `.malformed` where it is none that is known.
  init(of codes: Set<Int>, name: String) throws {
    if codes == [1, 2, 3] {
      self = .fast
    } else if codes.isSuperset(of: [2, 3, 4, 8, 10, 11, 12, 16]) {
      self = .freeSurfer
    } else if codes.isSuperset(of: [35, 37, 38, 52, 53, 84, 92, 86, 94]) {
      self = .gif
    } else {
      let some = codes.sorted().prefix(8).map(String.init).joined(separator: ", ")
      throw Failure(
        .malformed,
        "\(name): its codes (\(some)\(codes.count > 8 ? ", ..." : "")) are of no convention that is known "
          + "(FreeSurfer, GIF or FAST)")
    }
  }

  /// The tissue of a code; nil where the convention has none.
  func tissue(_ code: Int) -> UInt8? {
    switch self {
    case .freeSurfer: code == 512 ? Anatomy.cord : Self.freeSurferTissue(code)?.rawValue
    case .gif: Self.gifTissue(code)?.rawValue
    case .fast: [TissueClass.background, .sulcalFluid, .corticalGrey, .whiteMatter][safe: code]?.rawValue
    case .tissueClasses:
      TissueClass(rawValue: UInt8(clamping: code))?.rawValue
        ?? (code == Int(Anatomy.cord) ? Anatomy.cord : nil)
    }
  }

  private static func freeSurferTissue(_ code: Int) -> TissueClass? {
    switch code {
    case 0: .background
    case 2, 41, 251...255: .whiteMatter
    case 3, 42, 19, 20, 55, 56, 1000...1035, 2000...2035, 11100...11175, 12100...12175: .corticalGrey
    case 3000...3035, 4000...4035, 5001, 5002, 85, 530: .whiteMatter
    case 4, 5, 14, 15, 43, 44, 72: .ventricularFluid
    case 7, 46: .cerebellarWhite
    case 8, 47: .cerebellarGrey
    case 10, 49, 9, 48: .thalamus
    case 11, 50, 26, 58: .caudate
    case 12, 51: .putamen
    // The substantia nigra is as rich in iron.
    case 13, 52, 27, 59: .pallidum
    case 16, 28, 60: .brainStem
    case 17, 18, 53, 54: .limbicGrey
    case 24, 257: .sulcalFluid
    case 25, 57, 77, 78, 79: .whiteMatterLesion
    // 136 and 137, 163 and 164 lie in the lateral ventricles and their temporal horns.
    case 31, 63, 136, 137, 163, 164: .choroidPlexus
    case 29, 61, 80, 81, 82: .whiteMatter
    case 30, 62, 502: .artery
    case 514: .vein
    case 506: .eyeFluid
    case 507, 258: .fat
    case 508, 509: .muscle
    case 511: .skin
    case 515, 165: .bone
    case 516: .fat
    default: nil
    }
  }

  private static func gifTissue(_ code: Int) -> TissueClass? {
    switch code {
    // What is no brain is not told apart by tissue.
    case 0...3: .background
    case 4: .sulcalFluid
    case 5, 12, 16, 47, 50...53: .ventricularFluid
    case 24, 31, 37, 38: .caudate
    case 32, 33, 48, 49: .limbicGrey
    case 35, 36, 62, 63: .brainStem
    case 39, 40, 72...74: .cerebellarGrey
    case 41, 42: .cerebellarWhite
    case 54, 55: .whiteMatterLesion
    case 56, 57: .pallidum
    case 58, 59: .putamen
    case 60, 61: .thalamus
    case 64, 65: .artery
    case 45, 46, 66...70, 81...95: .whiteMatter
    case 43, 44, 76, 77, 96, 97, 101...208: .corticalGrey
    default: nil
    }
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
