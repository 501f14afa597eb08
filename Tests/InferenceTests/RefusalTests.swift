import Failures
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

private func refused(_ patient: Patient, _ method: Known = .channel(0)) throws -> Failure {
  try failure { _ = try synthesizer(method)(patient) }
}

@Test func aMissingModalityIsNamed() throws {
  var patient = patient()
  patient[.t2] = nil
  let failure = try refused(patient)
  #expect(failure.kind == .inconsistent)
  #expect(failure.message.contains("scan t2") && failure.message.contains("T1, T2"))
}

@Test func aModalityTheModelDoesNotTakeIsNamed() throws {
  var patient = patient()
  patient[.flair] = patient[.t2]
  let failure = try refused(patient)
  #expect(failure.kind == .inconsistent && failure.message.contains("FLAIR"))
}

@Test func gridsApartAreRefusedInMillimetres() throws {
  var patient = patient()
  patient[.t2]?.volume.affine = Affine([-1, 0, 0, 16.5], [0, -1, 0, 15], [0, 0, 3, -9])
  let failure = try refused(patient)
  #expect(failure.kind == .inconsistent)
  #expect(failure.message.contains("2.5 mm") && failure.message.contains("t2.nii.gz"))
}

@Test func aGridOfAnotherSizeIsRefusedInVoxels() throws {
  var patient = patient()
  patient[.t2]?.volume = scan(.t2, subject: 1, size: [28, 30, 7])
  let failure = try refused(patient)
  #expect(failure.kind == .inconsistent)
  #expect(failure.message.contains("28x30x7") && failure.message.contains("28x30x6"))
}

/// Voxels that lie at the same places are on one grid, in whatever order a file has them.
@Test func anotherOrderOfVoxelsIsTheSameGrid() throws {
  let expected = try synthesizer(Known.channel(1))(patient()).volume
  var patient = patient()
  patient[.t2] = InferenceTests.patient(.ras)[.t2]
  let made = try synthesizer(Known.channel(1))(patient).volume
  #expect(made.grid == expected.grid && made.voxels == expected.voxels)
}

/// At the voxels of a head it would only exhaust memory; a larger one than 2 mm is told of before anything is resampled.
@Test func sizesThatNobodyHasAreRefused() throws {
  var patient = patient()
  for modality in [Modality.t1, .t2] {
    patient[modality]?.volume.affine = Affine([-20000, 0, 0, 0], [0, -20000, 0, 0], [0, 0, 3, 0])
  }
  let failure = try refused(patient)
  #expect(
    failure.kind == .malformed && failure.message.contains("5.6e+05 x 6e+05 x 18 mm large"), "\(failure)")
}

@Test(arguments: [Float.nan, .infinity])
func voxelsThatAreNoNumbersAreRefused(value: Float) throws {
  var patient = patient()
  patient[.t1]?.volume.voxels[100] = value
  let failure = try refused(patient)
  #expect(failure.kind == .malformed && failure.message.contains("t1.nii.gz"))
}

@Test func aConstantVolumeIsRefused() throws {
  var patient = patient()
  patient[.t2]?.volume.voxels = Array(repeating: 7, count: 28 * 30 * 6)
  let failure = try refused(patient)
  #expect(failure.kind == .malformed && failure.message.contains("constant"))
}

@Test func aVolumeWithHardlyAnySignalIsRefused() throws {
  var patient = patient()
  var voxels = [Float](repeating: 0, count: 28 * 30 * 6)
  voxels[17] = 5
  patient[.t1]?.volume.voxels = voxels
  #expect(try refused(patient).kind == .malformed)
}

@Test func aNetworkThatGivesNaNIsStopped() throws {
  let failure = try refused(patient(), Known { ($0 * 0).log() * 0 })
  #expect(failure.kind == .numerical && failure.message.contains("slice"))
}
