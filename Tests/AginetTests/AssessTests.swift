import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// `aginet assess`, as it is typed.
@Suite struct AssessTests {
  private let scratch: Scratch
  private let aginet: Command
  private let base: [String]

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    base = ["assess", "people", "--model", try Trained.model, "--threads", "1", "--quiet"]
    try makeBIDS(scratch("people"), subjects: 3)
  }

  @Test func everyoneIsMeasured() throws {
    let outcome = try aginet(base + ["--tasks", "t1,t2>pd t1>t2", "-o", "out"])
    #expect(outcome.code == 0 && outcome.output == "out\n" && outcome.messages.isEmpty, "\(outcome.messages)")
    let pictures = (1...3).map { "figures/people_sub-0\($0)_t1-t2-to-pd.png" }
    #expect(
      scratch.files(in: "out")
        == (["assessment.html", "people.csv", "people.md", "summary.json"] + pictures).sorted())
    let lines = try scratch.text("out/people.csv").split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    // The model makes PD alone; two copies, a ceiling of each kind; and the header.
    #expect(lines.count == 1 + 3 * (1 + 4) + 3 * 4 && lines.allSatisfy { $0.count == lines[0].count })
    #expect(lines.dropFirst().allSatisfy { $0[0] == "people" })
    let page = try scratch.text("out/assessment.html")
    for person in 1...3 { #expect(page.contains("<h3>sub-0\(person)</h3>")) }
    // Nothing tells of this machine.
    for name in ["assessment.html", "people.csv", "people.md", "summary.json"] {
      #expect(try !scratch.text("out/\(name)").contains(scratch.path), "\(name)")
    }

    #expect(try aginet.fails(6, base + ["-o", "out"]).contains("--force"))
    #expect(try aginet(base + ["--tasks", "t1>t2", "-o", "out", "--force", "--models-only"]).code == 0)
    #expect(try scratch.text("out/people.csv").split(whereSeparator: \.isNewline).count == 1)
  }

  @Test func whoCannotBeReadIsToldOfFromTheFolder() throws {
    try scratch.write("no scan", to: "people/sub-02/anat/sub-02_PDw.nii.gz")
    let outcome = try aginet(
      ["assess", scratch("people")] + base.dropFirst(2) + ["--tasks", "all>pd", "-o", "out"])
    #expect(outcome.code == 7 && outcome.output == "out\n")
    #expect(outcome.lines.last?.contains("1 person was not measured") == true)
    for name in ["assessment.html", "people.md", "summary.json"] {
      let text = try scratch.text("out/\(name)")
      // Names are escaped in Markdown.
      let words = name == "people.md" ? text.replacing("\\_", with: "_") : text
      #expect(words.contains("sub-02/anat/sub-02_PDw.nii.gz") && !words.contains(scratch.path), "\(name)")
    }
  }

  /// A model that is measured on what a model made looks better than it is.
  @Test func whatWasComputedIsNoTruth() throws {
    let scan = scratch("people/sub-02/anat/sub-02_PDw.nii.gz")
    let image = try NIfTI.read(path: scan)
    try NIfTI.write(
      image.volume, like: image.header, as: .float32, description: "SYNTHETIC PD, not acquired", to: scan,
      replacing: true)
    let outcome = try aginet(base + ["--tasks", "all>pd", "-o", "out"])
    #expect(outcome.code == 7)
    #expect(
      try scratch.text("out/people.md").contains("sub-02\\_PDw.nii.gz: was computed and not acquired"))
  }

  @Test func twoFoldersAreToldApart() throws {
    try makeBIDS(scratch("other"), subjects: 1)
    let rest = ["--models-only", "--tasks", "all>pd", "-o", "out"]
    #expect(try aginet(["assess", "other"] + base.dropFirst() + rest).code == 0)
    let page = try scratch.text("out/assessment.html")
    #expect(page.contains("<h3>other/sub-01</h3>") && page.contains("<h3>people/sub-01</h3>"))
    try FileManager.default.createDirectory(atPath: scratch("far"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: scratch("people"), toPath: scratch("far/people"))
    let line = try aginet.fails(5, ["assess", "far/people"] + base.dropFirst() + ["-o", "more"])
    #expect(line.contains("far/people and people: both folders are called people"))
  }

  @Test func badInputIsOneLine() throws {
    #expect(try aginet.fails(2, base + ["--tasks", "t1>t1", "-o", "out"]).contains("(T1) -> T1"))
    #expect(
      try aginet.fails(5, base + ["--tasks", "flair>t1", "-o", "out"]).contains("nobody has what flair>t1"))
    #expect(try aginet.fails(6, base + ["-o", "people/out"]).contains("inside the input"))
    #expect(try aginet.fails(3, ["assess", "nowhere", "-o", "out"]).contains("nowhere"))
    let twice = try aginet.fails(2, base + ["--model", try Trained.model, "-o", "out"])
    #expect(twice.contains("named twice"))
  }
}
