import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// A patient's files through a segmentation, and back onto the patient's grid.
@Suite struct PatientSegmentationTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func model() throws -> TrainedModel { try TrainedOnTumours.segmentation().model(device: .cpu) }

  @discardableResult
  private func segment(
    _ t1: String, _ t2: String, to name: String, _ change: (inout PatientSegmentation) -> Void = { _ in }
  ) throws -> SegmentationSidecar {
    var job = PatientSegmentation(model: try model(), output: scratch(name))
    change(&job)
    return try job.run([(.t2, t2), (.t1, t1)])
  }

  private func files() throws -> (t1: String, t2: String) {
    (try TrainedOnTumours.path(5, .t1), try TrainedOnTumours.path(5, .t2))
  }

  @Test func theLabelsAreThoseOfBraTSAsBytes() throws {
    let (t1, t2) = try files()
    let sidecar = try segment(t1, t2, to: "seg.nii.gz")
    let made = try NIfTI.read(path: scratch("seg.nii.gz"))
    #expect(made.header.datatype == .uint8)
    #expect(made.header.scaling.map { $0.slope == 1 && $0.intercept == 0 } ?? true)
    #expect(made.header.description.hasPrefix("COMPUTED segmentation, not drawn by a person; research only"))
    #expect(Set(made.volume.voxels).isSubset(of: [0, 1, 2, 3]) && made.volume.voxels.contains { $0 > 0 })

    // What the sidecar says of it is what lies in it.
    #expect(sidecar.regions.map(\.name) == ["WT", "TC", "ET"])
    #expect(sidecar.regions.map(\.labels) == [[1, 2, 3], [1, 3], [3]])
    #expect(sidecar.regions.map(\.written) == [2, 1, 3])
    for region in sidecar.regions {
      let voxels = made.volume.voxels.count { region.labels.contains(UInt8($0)) }
      #expect(abs(region.millilitres - 0.003 * Double(voxels)) < 1e-9)
    }
    let data = try #require(contents(of: scratch("seg.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let warning = try #require(json["Warning"] as? String)
    #expect(warning.hasPrefix("COMPUTED segmentation of T1, T2; not drawn by a person."))
    #expect(warning.hasSuffix("Research use only; not a medical device; not for diagnosis."))
    #expect(
      json["ModelSHA256"] as? String
        == (try SHA256.ofFile(TrainedOnTumours.segmentation().folder.model).digest))
    #expect(json["Sources"] as? [String] == ["sub-05_T1w.nii.gz", "sub-05_T2w.nii.gz"])
    let sources = try #require(json["SourceDetails"] as? [[String: Any]])
    #expect(sources.map { $0["file"] as? String } == ["sub-05_T1w.nii.gz", "sub-05_T2w.nii.gz"])
    #expect((json["Regions"] as? [[String: Any]])?.count == 3 && json["EmptySlices"] as? Int == 1)
  }

  /// Some of the 48 orientations, each with the next of the codes and endings: labels stay where the patient has them.
  @Test func theLabelsLieOnTheInputsGrid() throws {
    let codes: [(sform: UInt8, qform: UInt8)] = [(2, 0), (0, 1), (1, 3), (4, 4)]
    let model = try model()
    func scans(_ orientation: Orientation, _ number: Int) throws -> [(Modality, String)] {
      try [Modality.t1, .t2].map { modality in
        let path = scratch("\(number)-\(modality.rawValue).nii")
        try NIfTI.write(tumourScan(modality, subject: 5).reoriented(to: orientation), to: path)
        var bytes = try #require(contents(of: path))
        (bytes[252], bytes[254]) = (codes[number % 4].qform, codes[number % 4].sform)
        try bytes.write(to: URL(fileURLWithPath: path))
        return (modality, path)
      }
    }
    var expected: [Float] = []
    for (number, orientation) in ([.lps] + Orientation.all.filter { $0 != .lps }).enumerated()
    where number % 5 == 0 {
      let inputs = try scans(orientation, number)
      let output = scratch("\(number)-seg.\(number % 2 == 0 ? "nii" : "nii.gz")")
      var job = PatientSegmentation(model: model, output: output)
      job.batchSize = 1 + number % 3
      _ = try job.run(inputs.map { (modality: $0.0, path: $0.1) })
      let (source, made) = (try NIfTI.readHeader(path: inputs[0].1), try NIfTI.read(path: output))
      #expect(made.header.grid == source.grid)
      #expect((made.header.sformCode, made.header.qformCode) == (source.sformCode, source.qformCode))
      #expect(made.header.dimensions == source.dimensions && made.header.units == source.units)
      let labels = made.volume.reoriented(to: .lps).voxels
      if expected.isEmpty { expected = labels }
      // A voxel that is as likely as not may fall to either side.
      #expect(zip(labels, expected).count { $0 != $1 } <= 3, "\(orientation)")
    }
    #expect(expected.contains { $0 > 0 })
  }

  /// What `evaluate` scores is what the patient gets.
  @Test func theLabelsAreThoseThatAreScored() throws {
    let (t1, t2) = try files()
    try segment(t1, t2, to: "seg.nii")
    let labels = try NIfTI.read(path: scratch("seg.nii")).volume.voxels
    var seen: [SegmentedVolume] = []
    _ = try SegmentationEvaluator(TrainedOnTumours.cohort(), regions: LabelRegion.braTS())
      .scores(named: "s", in: .test, by: model()) { seen.append($0) }
    let found = try #require(seen.first).found
    var different = 0
    for slice in 1...5 {
      for row in 0..<30 {
        for column in 0..<28 {
          let scored = found[((slice - 1) * 32 + row + 1) * 32 + column + 2]
          different += Float(scored) == labels[(slice * 30 + row) * 28 + column] ? 0 : 1
        }
      }
    }
    // The store keeps 16 bits.
    #expect(different <= 5, "\(different)")
  }

  @Test func modelsOfTheOtherKindAreSentToTheirCommand() throws {
    let (t1, t2) = try files()
    let synthesis = try TrainedOnTumours.synthesis().model(device: .cpu)
    let job = PatientSegmentation(model: synthesis, output: scratch("seg.nii"))
    let wrong = try failure { _ = try job.run([(.t1, t1), (.t2, t2)]) }
    #expect(
      wrong.kind == .usage && wrong.message.contains("(T1, T2) -> PD")
        && wrong.message.contains("PatientSynthesis"))
    let other = try failure {
      _ = try PatientSynthesis(model: model(), output: scratch("pd.nii")).run([(.t1, t1), (.t2, t2)])
    }
    #expect(other.kind == .usage && other.message.contains("is a segmentation of T1, T2"), "\(other)")
    #expect(other.message.contains("PatientSegmentation") && scratch.files().isEmpty)
  }

  @Test func outputsAreCheckedAsASynthesisChecksThem() throws {
    let (t1, t2) = try files()
    try segment(t1, t2, to: "seg.nii")
    #expect(try failure { try segment(t1, t2, to: "seg.nii") }.kind == .cannotWrite)
    try segment(t1, t2, to: "seg.nii") { $0.replaces = true }
    #expect(try failure { try segment(t1, t2, to: "no/seg.nii") }.kind == .cannotWrite)
    #expect(try failure { try segment(t1, t2, to: "seg.png") }.kind == .usage)
    #expect(try failure { try segment(t1, t1, to: "x.nii") }.kind == .inconsistent)
    #expect(try failure { try segment(t1, t2, to: "x.nii") { $0.voxelLimit = 100 } }.kind == .limit)
    try FileManager.default.copyItem(atPath: t1, toPath: scratch("t1.nii.gz"))
    let input = try failure { try segment(scratch("t1.nii.gz"), t2, to: "t1.nii.gz") { $0.replaces = true } }
    #expect(input.kind == .refused)
    #expect(scratch.files() == ["seg.json", "seg.nii", "t1.nii.gz"])
  }
}
