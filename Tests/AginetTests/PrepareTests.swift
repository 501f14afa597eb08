import Foundation
import Imaging
import PipelineSupport
import Testing

/// `prepare` on cohorts with something wrong.
@Suite struct PrepareTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try makeBIDS(scratch("raw"), subjects: 4)
  }

  private let start = ["prepare", "--quiet", "bids", "raw", "-o", "cohort"]

  /// What is there beside the scans.
  private var rest: [String] { scratch.files().filter { !$0.hasPrefix("raw/") && !$0.hasSuffix(".json") } }

  @Test func aModalityThatNobodyHas() throws {
    let line = try aginet.fails(5, start + ["--modalities", "t1,flair"])
    #expect(line.contains("FLAIR") && line.contains("T1, T2, PD"))
    #expect(try aginet.fails(2, start + ["--modalities", "t1,ct"]).contains("'ct'"))
    #expect(rest.isEmpty)
  }

  @Test func splitsThatDoNotFit() throws {
    func refused(_ code: Int32, _ splits: String) throws -> String {
      try scratch.write(splits, to: "s.json")
      return try aginet.fails(code, start + ["--splits", "s.json"])
    }
    #expect(try refused(5, #"{"train": ["sub-01", "sub-9"], "test": ["sub-77"]}"#).contains("sub-77, sub-9"))
    #expect(try refused(5, #"{"train": ["sub-01", "sub-02"], "test": ["sub-01"]}"#).contains("sub-01"))
    #expect(try refused(5, #"{"train": [], "test": []}"#).contains("no subject"))
    #expect(try refused(4, #"{"train": ["sub-01"], "tests": []}"#).contains("tests"))
    #expect(try refused(4, "train: sub-01").contains("s.json"))
    #expect(try aginet.fails(3, start + ["--splits", "none.json"]).contains("none.json"))
    #expect(rest.isEmpty)
  }

  /// Exit 7: the store is there and useful, and who is missing is said.
  @Test func subjectsLeftOut() throws {
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 2, .t2))
    let bytes = try #require(contents(of: bidsPath(scratch("raw"), 3, .t1)))
    try bytes.prefix(300).write(to: URL(fileURLWithPath: bidsPath(scratch("raw"), 3, .t1)))
    try scratch.write(#"{"train": ["sub-01", "sub-02"], "test": ["sub-03", "sub-04"]}"#, to: "s.json")
    let outcome = try aginet(start + ["--splits", "s.json"])
    #expect(outcome.code == 7 && outcome.output == "cohort\n")
    #expect(outcome.lines.count == 1, "\(outcome.messages)")
    #expect(outcome.messages.contains("2 left out") && outcome.messages.contains("sub-02"))
    #expect(outcome.messages.contains("sub-03"))
    let info = try aginet("info", "cohort")
    #expect(info.code == 0 && info.output.contains("train 1 subjects") && info.output.contains("sub-02"))
    // Asked to refuse, it prepares nothing.
    try FileManager.default.removeItem(atPath: scratch("cohort"))
    let refused = try aginet(start + ["--splits", "s.json", "--on-defect", "refuse"])
    #expect([4, 5].contains(refused.code) && refused.lines.count == 1, "\(refused.messages)")
    #expect(rest.isEmpty)
  }

  @Test func foldersThatAreNoCohort() throws {
    try aginet.fails(3, ["prepare", "bids", "none", "-o", "cohort"])
    try aginet.fails(4, ["prepare", "ixi", "raw", "-o", "cohort"])
    try aginet.fails(4, ["prepare", "brats", "raw", "-o", "cohort"])
    #expect(try aginet.fails(2, ["prepare", "nii", "raw", "-o", "cohort"]).contains("bids, ixi, brats"))
    #expect(try aginet.fails(2, start + ["--slices", "most"]).contains("central:90"))
    #expect(try aginet.fails(2, start + ["--size", "3x"]).contains("240x240"))
    #expect(rest.isEmpty)
  }

  @Test func anExistingStoreStays() throws {
    let splits = ["--splits", "seeded", "--seed", "3"]
    #expect(try aginet(start + splits).code == 0)
    let before = contents(of: scratch("cohort/cohort.json"))
    #expect(try aginet.fails(6, start + splits).contains("--force"))
    #expect(contents(of: scratch("cohort/cohort.json")) == before)
    #expect(try aginet(start + splits + ["--force"]).code == 0)
    #expect(contents(of: scratch("cohort/cohort.json")) == before)
  }
}
