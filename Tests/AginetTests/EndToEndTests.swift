import Foundation
import Imaging
import PipelineSupport
import Testing

/// The whole command line, from scans to a report.
@Test func fromScansToAReport() throws {
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

  try makeBIDS(scratch("raw"))
  try scratch.write(splits, to: "splits.json")
  #expect(
    try run("prepare", "bids", "raw", "-o", "cohort", "--splits", "splits.json", "--slices", "all")
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
  for row in ["AGI-Net (pix2pix)", "ResUnet (pix2pix)", "Copy of T2", "Intensity look-up"] {
    #expect(table.contains("| \(row)"), "\(table)")
  }
  let folder = "agi-net/evaluation/test"
  #expect(try (object("\(folder)/summary.json") as? [Any])?.count == 4)
  // What stands is not replaced unasked.
  try aginet.fails(6, ["evaluate", "agi-net", "--data", "cohort"])
  let asJSON = try run("evaluate", "agi-net", "--data", "cohort", "--json", "--force", "--threads", "1")
  #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(asJSON.utf8)) }

  let (t1, t2) = (bidsPath("raw", 5, .t1), bidsPath("raw", 5, .t2))
  #expect(
    try run(
      "synthesize", "--model", "agi-net/model.safetensors", "--t1", t1, "--t2", t2, "-o", "pd.nii.gz",
      "--intensity", "reference", "--threads", "1") == "pd.nii.gz\n")
  #expect(try (object("pd.json") as? [String: Any])?["SynthesizedModality"] as? String == "pd")
  #expect(try NIfTI.read(path: scratch("pd.nii.gz")).volume.grid == scan(.t1, subject: 5).grid)

  if UsageTests.commands.contains("report") {
    _ = try run("report", "agi-net", "--data", "cohort", "--threads", "1")
    let page = String(decoding: contents(of: scratch("agi-net/report.html")) ?? Data(), as: UTF8.self)
    #expect(page.contains("</html>") && page.contains("AGI-Net"))
    // One file that opens offline.
    #expect(!page.contains("src=\"http") && !page.contains("href=\"http://cdn"))
  }
  #expect(!scratch.files().contains { $0.hasSuffix(".partial") })
}
