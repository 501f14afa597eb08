/// What a voxel of a computed head is made of. The raw values are what packed label maps hold, so they stay.
package enum TissueClass: UInt8, CaseIterable, Sendable {
  case background = 0

  // The brain.
  case whiteMatter = 1
  case corticalGrey = 2
  case thalamus = 3
  case caudate = 4
  case putamen = 5
  case pallidum = 6
  /// Hippocampus and amygdala.
  case limbicGrey = 7
  case brainStem = 8
  case cerebellarWhite = 9
  case cerebellarGrey = 10

  // What runs through it and around it.
  case ventricularFluid = 11
  case sulcalFluid = 12
  case choroidPlexus = 13
  case artery = 14
  /// Veins and sinuses.
  case vein = 15
  case dura = 16

  // The rest of the head.
  case bone = 17
  /// Fat, and marrow of the skull.
  case fat = 18
  case muscle = 19
  case skin = 20
  case eyeFluid = 21

  // Lesions.
  /// Of multiple sclerosis.
  case plaque = 22
  /// Of small vessels: what white matter hyperintensities and caps of age are.
  case whiteMatterLesion = 23
  case oedema = 24
  case enhancingTumour = 25
  case nonEnhancingTumour = 26
  case necrosis = 27
  /// Of a resection, or a cyst: fluid.
  case cavity = 28
  case blood = 29
  case stroke = 30
}

extension TissueClass {
  /// How many there are: the length of a table by raw value.
  package static let count = allCases.count

  /// Brain tissue, lesions included; neither fluid nor vessels around it.
  package var isBrain: Bool { (1...10).contains(rawValue) || isLesion }

  package var isWhite: Bool { self == .whiteMatter || self == .cerebellarWhite || self == .brainStem }

  package var isGrey: Bool { [2, 3, 4, 5, 6, 7, 10].contains(rawValue) }

  package var isDeepGrey: Bool { (3...7).contains(rawValue) }

  package var isFluid: Bool { self == .ventricularFluid || self == .sulcalFluid }

  package var isVessel: Bool { self == .artery || self == .vein }

  /// What lies outside the fluid around the brain: nothing that a stripped scan should hold, but for its rim.
  package var isExtracerebral: Bool { (16...21).contains(rawValue) }

  package var isLesion: Bool { rawValue >= 22 }

  package var isTumour: Bool { (25...27).contains(rawValue) }
}
