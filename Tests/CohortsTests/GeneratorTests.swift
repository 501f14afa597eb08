import Cohorts
import Foundation
import Testing

/// What computed the scans is kept with a prepared cohort, whatever folders are called.
@Suite struct GeneratorTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func prepared(_ folder: String) throws -> CohortManifest {
    var preparation = Preparation()
    preparation.splits = .seeded
    return try preparation.run(
      BIDSCohort(folder: folder), layout: "bids", into: folder + "-store", program: "test"
    ).manifest
  }

  /// The demonstration's phantom lies in a folder called `raw`.
  @Test func aPhantomIsKnownInAnyFolder() throws {
    let raw = scratch.path + "/raw"
    try ballPhantom { $0.voxelSize = 8 }.write(to: raw)
    let manifest = try prepared(raw)
    #expect(manifest.name == "raw" && manifest.generatedBy == [Phantom.generator])
    #expect(try PreparedCohort(folder: raw + "-store").manifest == manifest)
  }

  @Test func scansOfPeopleAreNoPhantom() throws {
    let folder = scratch.path + "/phantom-study"
    try makeBIDS(folder, subjects: 4)
    #expect(try prepared(folder).generatedBy == [])
  }

  /// Other programs' names stay where they are, and a description that cannot be read says nothing.
  @Test(arguments: [
    (#"{"Name": "x", "GeneratedBy": [{"Name": "fMRIPrep"}, {"Name": "aginet phantom"}]}"#, true),
    (#"{"GeneratedBy": [{"Name": "fMRIPrep"}]}"#, false), (#"{"Name": "aginet phantom"}"#, false),
    (#"{"GeneratedBy": "aginet phantom"}"#, false), (#"{"GeneratedBy": [3, {"Name": 4}]}"#, false),
    ("{", false), ("[]", false), (String(repeating: " ", count: 2 << 20), false),
  ])
  func theDescriptionDecides(text: String, isPhantom: Bool) throws {
    let folder = scratch.path + "/data"
    try makeBIDS(folder, subjects: 1)
    _ = try scratch.write(text, to: "data/dataset_description.json")
    #expect(try BIDSCohort(folder: folder).generatedBy == (isPhantom ? [Phantom.generator] : []))
  }

  /// Stores of before this was kept read as ever, and do not say.
  @Test func earlierStoresDoNotSay() throws {
    let folder = scratch.path + "/data"
    try makeBIDS(folder, subjects: 4)
    _ = try prepared(folder)
    let path = folder + "-store/cohort.json"
    let data = try #require(FileManager.default.contents(atPath: path))
    var object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object.removeValue(forKey: "generatedBy") is [Any])
    try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
    #expect(try PreparedCohort(folder: folder + "-store").manifest.generatedBy == nil)
  }
}
