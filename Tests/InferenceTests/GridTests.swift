import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// A network that hands its input through must give every voxel back at its own place, whatever the scanner's axes.
@Test(arguments: Orientation.all)
func everyVoxelComesBackToItsPlace(orientation: Orientation) throws {
  let patient = patient(orientation)
  for (channel, modality) in [Modality.t1, .t2].enumerated() {
    let source = try #require(patient[modality]).volume
    let result = try synthesizer(Known.channel(channel))(patient)
    #expect(result.volume.grid == patient[.t1]?.volume.grid)
    #expect(result.volume.voxels == (try scaled(source)))
  }
}

@Test(arguments: Orientation.all)
func leftStaysLeft(orientation: Orientation) throws {
  // A bright block on the patient's left alone: in LPS, where i runs to the left, in the upper half of i.
  func marked(_ modality: Modality) -> Volume {
    var volume = scan(modality, subject: 2)
    for k in 2..<4 { for j in 12..<16 { for i in 20..<23 { volume.voxels[i + 28 * (j + 30 * k)] = 900 } } }
    return volume.reoriented(to: orientation)
  }
  let mean = Known { $0.mean(over: [1], keeping: true) }
  let volume = try synthesizer(mean)([.t1: ("t1", marked(.t1)), .t2: ("t2", marked(.t2))]).volume
  var bright: [SIMD3<Double>] = []
  for k in 0..<volume.dimensions.z {
    for j in 0..<volume.dimensions.y {
      for i in 0..<volume.dimensions.x
      where volume.voxels[i + volume.dimensions.x * (j + volume.dimensions.y * k)] == 1 {
        bright.append(volume.affine([Double(i), Double(j), Double(k)]))
      }
    }
  }
  // The world's x runs to the right, so left is below the centre of the head at 0.5 mm.
  #expect(bright.count >= 24)
  #expect(bright.count { $0.x < 0 } >= 24 && bright.count { $0.x > 1 } <= 4)
}

/// The network sees the whole slice: its answer must not depend on how the file happens to count voxels.
@Test(arguments: ["RAS", "SPL", "PIR", "AIL"])
func theAnswerDoesNotDependOnTheOrderOfVoxels(letters: String) throws {
  let orientation = try #require(Orientation(letters))
  // Depends on position: a sum over the rows above.
  let positional = Known { x in
    let first = x.narrowed(1, from: 0, length: 1)
    return first * 0.5 + first.rolled(by: [3, -2], axes: [2, 3]) * 0.5
  }
  let upright = try synthesizer(positional)(patient()).volume
  let turned = try synthesizer(positional)(patient(orientation)).volume
  #expect(turned.reoriented(to: .lps).voxels == upright.voxels)
}

@Test func smallSlicesGetTheMarginOfTheTrainingSlices() throws {
  let method = Known.channel(0)
  _ = try synthesizer(method, card(height: 48, width: 40))(patient(), batchSize: 2)
  #expect(method.shapes == [[2, 2, 48, 40], [2, 2, 48, 40], [1, 2, 48, 40]])
}

@Test func largerSlicesAreNotCut() throws {
  let method = Known.channel(0)
  let result = try synthesizer(method, card(height: 16, width: 64))(patient(), batchSize: 5)
  #expect(method.shapes == [[5, 2, 30, 64]])
  #expect(result.volume.voxels == (try scaled(scan(.t1, subject: 1))))
}

@Test func obliqueGridsAreKeptExactly() throws {
  let (cosine, sine) = (Double(0.9), Double(0.19).squareRoot())
  let affine = Affine([-cosine, sine, 0, 3.25], [-sine, -cosine, 0, 7], [0, 0, 3, -1])
  var patient = patient()
  for modality in [Modality.t1, .t2] { patient[modality]?.volume.affine = affine }
  let result = try synthesizer(Known.channel(1))(patient)
  #expect(result.volume.affine == affine)
}
