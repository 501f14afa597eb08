import Cohorts
import Foundation
import Imaging
import PipelineSupport
import Testing

/// The whole command line, from the atlas to a report, on a phantom of large voxels.
@Test func fromAPhantomToAReport() throws {
  let scratch = try Scratch()
  let aginet = try Command(in: scratch.path)
  func run(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let outcome = try aginet(arguments)
    #expect(outcome.code == 0, "\(arguments): \(outcome.messages)", sourceLocation: sourceLocation)
    return outcome.output
  }
  func object(_ name: String) throws -> Any {
    try JSONSerialization.jsonObject(with: #require(contents(of: scratch(name)), "\(name)"))
  }

  #expect(try run("phantom", "-o", "raw", "--subjects", "4", "--voxel", "6", "--seed", "3") == "raw\n")
  #expect(
    try run("prepare", "bids", "raw", "-o", "cohort", "--splits", "seeded", "--slices", "central:12")
      == "cohort\n")
  try scratch.write(
    #"{"width": 4, "groups": 4, "batchSize": 2, "iterations": 20, "validateEvery": 10}"#,
    to: "experiment.json")
  for network in ["agi-net", "resunet"] {
    #expect(
      try run(
        "train", "experiment.json", "--network", network, "--data", "cohort", "-o", network, "--threads", "1",
        "--set", "pix2pix.discriminatorWidth=4") == "\(network)/model.safetensors\n")
    #expect(try object("\(network)/experiment.json") is [String: Any])
  }

  let table = try run(
    "evaluate", "agi-net", "resunet", "--data", "cohort", "--split", "test", "--threads", "1")
  for row in ["AGI-Net (pix2pix)", "ResUnet (pix2pix)", "Copy of T", "Intensity look-up"] {
    #expect(table.contains("| \(row)"), "\(table)")
  }
  let folder = "agi-net/evaluation/test"
  #expect(table.contains("too few people (1) for a verdict; at least six"))
  #expect(try (object("\(folder)/summary.json") as? [Any])?.count == 4)
  // What stands is not replaced unasked.
  try aginet.fails(6, ["evaluate", "agi-net", "--data", "cohort"])
  let asJSON = try run("evaluate", "agi-net", "--data", "cohort", "--json", "--force", "--threads", "1")
  #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(asJSON.utf8)) }

  let subject = try #require(try PreparedCohort(folder: scratch("cohort")).subjects(in: .test).first).id
  let (t1, t2) = ("raw/\(subject)/anat/\(subject)_T1w.nii.gz", "raw/\(subject)/anat/\(subject)_T2w.nii.gz")
  #expect(
    try run(
      "synthesize", "--model", "agi-net/model.safetensors", "--t1", t1, "--t2", t2, "-o", "pd.nii.gz",
      "--intensity", "reference", "--threads", "1") == "pd.nii.gz\n")
  #expect(try (object("pd.json") as? [String: Any])?["SynthesizedModality"] as? String == "pd")
  #expect(try NIfTI.readHeader(path: scratch("pd.nii.gz")).grid == NIfTI.readHeader(path: scratch(t1)).grid)

  _ = try run("report", "agi-net", "--data", "cohort", "--threads", "1")
  let page = String(decoding: contents(of: scratch("agi-net/report.html")) ?? Data(), as: UTF8.self)
  #expect(page.contains("</html>") && page.contains("AGI-Net"))
  // One file that opens offline.
  #expect(!page.contains("src=\"http") && !page.contains("href=\"http://cdn"))
  // As in the demonstration, the folder's name does not tell that it is a phantom.
  #expect(page.contains("ICBM 152") && page.contains("McGill University"))
  #expect(page.contains("too few people (1) for a verdict; at least six"))
  #expect(!scratch.files().contains { $0.hasSuffix(".partial") })
}
