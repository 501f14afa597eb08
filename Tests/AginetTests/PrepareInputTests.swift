import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// `prepare` on cohorts as hospitals and archives hand them over.
@Suite struct PrepareInputTests {
  private let scratch: Scratch
  private let aginet: Command
  private var raw: String { scratch("raw") }

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try makeBIDS(scratch("raw"), subjects: 5)
    try scratch.write(splits, to: "s.json")
  }

  private let start = ["prepare", "bids", "raw", "-o", "cohort"]
  private var files: FileManager { .default }

  private func notes(_ outcome: Command.Outcome) -> [String] {
    outcome.lines.filter { $0.hasPrefix("note: ") }
  }

  /// Contents that were not fetched: the subject is left out, with the cure.
  @Test func contentsThatWereNotFetched() throws {
    let key = "MD5E-s152998--c8d2672a467cd80deff39c4daddcd616.nii.gz"
    let paths = [2, 3, 4].map { bidsPath(raw, $0, .t1) }
    for path in paths { try files.removeItem(atPath: path) }
    try files.createSymbolicLink(
      atPath: paths[0], withDestinationPath: "../../.git/annex/objects/x9/25/\(key)/\(key)")
    try Data("/annex/objects/\(key)\n".utf8).write(to: URL(fileURLWithPath: paths[1]))
    try Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".utf8).write(
      to: URL(fileURLWithPath: paths[2]))
    try scratch.write(
      #"{"train": ["sub-01", "sub-02", "sub-03"], "test": ["sub-04", "sub-05"]}"#, to: "s.json")
    let outcome = try aginet(start + ["--splits", "s.json"])
    #expect(outcome.code == 7, "\(outcome.messages)")
    let line = outcome.lines.last ?? ""
    for word in [
      "3 left out", "datalad get raw/sub-02/anat/sub-02_T1w.nii.gz",
      "datalad get raw/sub-03/anat/sub-03_T1w.nii.gz",
      "git lfs pull --include=raw/sub-04/anat/sub-04_T1w.nii.gz",
    ] { #expect(line.contains(word), "\(line)") }
    // The same of a patient's own scan.
    for (path, cure) in [(paths[0], "datalad get"), (paths[1], "git annex get"), (paths[2], "git lfs pull")] {
      let line = try aginet.fails(
        3,
        [
          "synthesize", "--quiet", "--threads", "1", "--model", try Trained.model, "--t1", path, "--t2",
          try Trained.scan(.t2), "-o", "pd.nii.gz",
        ])
      #expect(line.contains(cure), "\(line)")
    }
  }

  @Test func ofSeveralScansOneIsChosen() throws {
    for number in 1...5 {
      for entities in ["_rec-norm", "_run-02"] {
        let path = bidsPath(raw, number, .t1).replacingOccurrences(of: "_T1w", with: entities + "_T1w")
        try NIfTI.write(scan(.t1, subject: number + (entities == "_run-02" ? 20 : 40)), to: path)
      }
    }
    let split = ["--splits", "s.json"]
    let line = try aginet.fails(5, start + split)
    #expect(line.contains("--pick t1:") && line.contains("sub-01_rec-norm_T1w.nii.gz"), "\(line)")
    func source(_ arguments: [String]) throws -> [String] {
      let outcome = try aginet(start + split + ["--force"] + arguments)
      #expect(outcome.code == 0, "\(outcome.messages)")
      let manifest = String(decoding: contents(of: scratch("cohort/cohort.json")) ?? Data(), as: UTF8.self)
      return manifest.split(separator: "\n").filter { $0.contains("T1w.nii.gz") && $0.contains("\"file\"") }
        .map(String.init)
    }
    var chosen = try source(["--pick", "t1:rec=norm"])
    #expect(chosen.count == 5 && chosen.allSatisfy { $0.contains("_rec-norm_T1w") })
    chosen = try source(["--pick", "t1:rec=", "--pick", "t1:run="])
    #expect(chosen.count == 5 && !chosen.contains { $0.contains("_rec-") || $0.contains("_run-") })
    chosen = try source(["--pick", "t1:run-2"])
    #expect(chosen.count == 5 && chosen.allSatisfy { $0.contains("_run-02_T1w") })
    // .bidsignore, as the validator reads it.
    try scratch.write("*_rec-norm_T1w.nii.gz\n*_run-02*\n", to: "raw/.bidsignore")
    chosen = try source([])
    #expect(chosen.count == 5 && !chosen.contains { $0.contains("_rec-") || $0.contains("_run-") })
    #expect(try aginet.fails(2, start + ["--pick", "t1:rec"]).contains("t1:rec=norm"))
    #expect(try aginet.fails(5, start + ["--quiet", "--pick", "t1:acq=x"]).contains("acq"))
  }

  @Test(arguments: ["OAS_0001", "site-01", "a_b-c_d"])
  func labelsThatBIDSForbids(label: String) throws {
    for number in 1...3 {
      for modality in [Modality.t1, .t2, .pd] {
        let name = "sub-\(label)\(number)"
        let path = bidsPath(scratch("other"), number, modality).replacingOccurrences(
          of: "sub-0\(number)", with: name)
        try files.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
        try NIfTI.write(scan(modality, subject: number), to: path)
      }
    }
    let outcome = try aginet("prepare", "bids", "other", "-o", "cohort")
    #expect(outcome.code == 0 && outcome.output == "cohort\n", "\(outcome.messages)")
    #expect(files.fileExists(atPath: scratch("cohort/subjects/sub-\(label)1.slices")))
    try scratch.write(
      #"{"train": ["sub-LABEL1", "sub-LABEL3"], "test": ["sub-LABEL2"]}"#
        .replacingOccurrences(of: "LABEL", with: label), to: "t.json")
    #expect(try aginet("prepare", "bids", "other", "-o", "cohort", "--force", "--splits", "t.json").code == 0)
  }

  @Test func onePersonUnderTwoNames() throws {
    for modality in [Modality.t1, .t2, .pd] {
      try files.removeItem(atPath: bidsPath(raw, 5, modality))
      try files.copyItem(atPath: bidsPath(raw, 1, modality), toPath: bidsPath(raw, 5, modality))
    }
    let arguments = start + ["--splits", "s.json"]
    let line = try aginet.fails(5, arguments + ["--quiet"])
    for word in ["sub-01 (train)", "sub-05 (test)", "sub-01/anat/sub-01_T1w.nii.gz", "--allow-duplicates"] {
      #expect(line.contains(word), "\(line)")
    }
    #expect(!scratch.files().contains { $0.contains("cohort") })
    // Overwriting is another matter than accepting this.
    try aginet.fails(5, arguments + ["--quiet", "--force"])
    let allowed = try aginet(arguments + ["--allow-duplicates"])
    #expect(allowed.code == 0 && notes(allowed).contains { $0.contains("warning") && $0.contains("sub-05") })
    try scratch.write(#"{"train": ["sub-01", "sub-05"], "test": ["sub-03"]}"#, to: "s.json")
    let told = try aginet(arguments + ["--force"])
    #expect(told.code == 0 && notes(told).contains { $0.contains("sub-01 and sub-05") }, "\(told.messages)")
  }

  /// A cohort that is only tested: a model from elsewhere is scored on it.
  @Test func aCohortThatIsOnlyTested() throws {
    try scratch.write(#"{"train": [], "test": ["sub-01", "sub-02"]}"#, to: "s.json")
    let prepared = try aginet(start + ["--splits", "s.json"])
    #expect(prepared.code == 0 && notes(prepared).contains { $0.contains("no subject is to be trained on") })
    try Trained.copyRun(to: scratch("run"))
    let scored = try aginet("evaluate", "run", "--data", "cohort", "--threads", "1")
    #expect(scored.code == 0, "\(scored.messages)")
    #expect(scored.output.contains("Copy of T1") && scored.output.contains("Copy of T2"))
    #expect(!scored.output.contains("look-up") && scored.messages.contains("look-up"))
    let report = try aginet("report", "run", "--data", "cohort", "--threads", "1", "-o", "page.html")
    #expect(report.code == 0 && files.fileExists(atPath: scratch("page.html")), "\(report.messages)")
    let line = try aginet.fails(5, tinyTraining(2) + ["--quiet", "--data", "cohort", "-o", "run2"])
    #expect(line.contains("train split"))
  }

  /// The test subject of one cohort was trained on in another, under another name.
  @Test func aRunMeetsWhatItWasTrainedOn() throws {
    try files.createDirectory(atPath: scratch("other"), withIntermediateDirectories: false)
    for (number, source) in [(1, 4), (2, 5), (3, 2)] {
      for modality in [Modality.t1, .t2, .pd] {
        let path = bidsPath(scratch("other"), number, modality)
        try files.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
        try files.copyItem(atPath: bidsPath(raw, source, modality), toPath: path)
      }
    }
    try scratch.write(#"{"train": ["sub-01"], "validation": ["sub-02"], "test": ["sub-03"]}"#, to: "o.json")
    #expect(try aginet("prepare", "bids", "other", "-o", "cohort", "--splits", "o.json").code == 0)
    try Trained.copyRun(to: scratch("run"))
    let scored = try aginet("evaluate", "run", "--data", "cohort", "--threads", "1")
    #expect(scored.code == 0 && scored.messages.contains("sub-03 (then sub-02)"), "\(scored.messages)")
    let held = try aginet("evaluate", "run", "--data", "cohort", "--split", "validation", "--threads", "1")
    #expect(held.code == 0 && !held.messages.contains("was trained on"), "\(held.messages)")
  }

  @Test func aStoreOfAnEarlierVersion() throws {
    #expect(try aginet(start + ["--splits", "s.json"]).code == 0)
    let path = scratch("cohort/cohort.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.contains("\"slicesChecksum\"") }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let trained = try aginet(tinyTraining(1) + ["--data", "cohort", "-o", "run"])
    #expect(trained.code == 0 && notes(trained).contains { $0.contains("checksums") }, "\(trained.messages)")
    #expect(try aginet("info", "cohort").output.contains("earlier version"))
    // One that has no room above a scan's scale teaches a model of the foreground's scale lesions with a flat top, and says so.
    let foreground = [
      "train", "--method", "unified", "--network", "resunet", "--sources", "t1,t2,pd", "--width", "8",
      "--batch", "2", "--iterations", "1", "--threads", "1", "--set", "unified.intensity=foreground",
      "--data", "cohort",
    ]
    func isTold(_ run: String) throws -> Bool {
      let trained = try aginet(foreground + ["-o", run])
      #expect(trained.code == 0, "\(trained.messages)")
      return notes(trained).contains { $0.contains("flat top") }
    }
    #expect(try !isTold("third"))
    try lines.joined(separator: "\n").replacingOccurrences(of: "\"version\" : 3", with: "\"version\" : 2")
      .write(
        toFile: path, atomically: true, encoding: .utf8)
    #expect(try isTold("second"))
  }

  @Test func withoutValidationTrainingSaysWhatItDoes() throws {
    try scratch.write(#"{"train": ["sub-01", "sub-02"], "test": ["sub-03"]}"#, to: "s.json")
    let prepared = try aginet(start + ["--splits", "s.json"])
    #expect(prepared.code == 0 && notes(prepared).contains { $0.contains("validated") })
    let trained = try aginet(tinyTraining(2) + ["--data", "cohort", "-o", "run"])
    #expect(
      trained.code == 0 && notes(trained).contains { $0.contains("last weights") }, "\(trained.messages)")
  }

  /// What was not taken is said, and also where the rest does not suffice.
  @Test func filesThatWereNotTaken() throws {
    let path = bidsPath(raw, 1, .t1)
    try files.moveItem(atPath: path, toPath: path.replacingOccurrences(of: "_T1w", with: "_mprage"))
    let outcome = try aginet(start + ["--splits", "s.json"])
    #expect(
      outcome.code == 7 && notes(outcome).contains { $0.contains("sub-01_mprage.nii.gz") },
      "\(outcome.messages)")
    let refused = try aginet(start + ["--splits", "s.json", "--on-defect", "refuse", "--force"])
    #expect(refused.code == 5 && refused.messages.contains("sub-01_mprage.nii.gz"))
  }

  @Test func layoutsInAnyLetters() throws {
    #expect(try aginet("prepare", "BIDS", "raw", "-o", "cohort").code == 0)
    #expect(try aginet("info", "cohort").output.contains("(bids)"))
    #expect(try aginet.fails(2, ["prepare", "brats21", "raw", "-o", "c"]).contains("did you mean brats?"))
    #expect(
      try aginet.fails(2, start + ["--force", "--splits", "sedeed"]).contains("patient-disjoint, seeded"))
    #expect(try aginet.fails(4, ["prepare", "ixi", "raw", "-o", "c"]).contains("aginet prepare bids raw"))
  }

  @Test(arguments: [
    ["--threads", "0"], ["--threads", "9999999999"], ["--threads=-1"], ["--size", "99999999999"],
    ["--size", "0"],
    ["--size", "16384"], ["--slices", "central:99999999999"], ["--slices", "0-99999999999999"],
    ["--slices", "central:0"],
    ["--slices", "5-2"],
  ])
  func numbersHaveBounds(arguments: [String]) throws {
    try aginet.fails(2, start + arguments)
    #expect(!files.fileExists(atPath: scratch("cohort")))
  }

  @Test(arguments: [
    ["--subjects", "0"], ["--subjects", "99999999999"], ["--subjects", "-3"], ["--shift", "1e300"],
    ["--shift", "nan"],
    ["--voxel", "0.0001"], ["--voxel", "inf"], ["--noise", "-1"], ["--bias", "9"], ["--field", "7"],
    ["--tumours", "2"],
    ["--threads", "0"], ["--threads", "99999999"],
  ])
  func numbersOfThePhantomHaveBounds(arguments: [String]) throws {
    let outcome = try aginet(["phantom", "-o", "p"] + arguments)
    #expect(
      [2, 64].contains(outcome.code) && !outcome.messages.isEmpty, "\(outcome.code) \(outcome.messages)")
    #expect(!files.fileExists(atPath: scratch("p")))
  }

  @Test func aManifestWithImpossibleNumbers() throws {
    #expect(try aginet(start).code == 0)
    let path = scratch("cohort/cohort.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for (key, value) in [
      ("spacing", "[1, 1]"), ("slices", "[1099511627776]"), ("offset", "[-99999999999, 0]"),
      ("dimensions", "[0, 1, 1]"),
      ("scans", "[]"), ("height", "1099511627776"), ("width", "0"), ("modalities", "[]"),
      ("id", "\"../../x\""),
    ] {
      let range = try #require(text.range(of: "\"\(key)\" : "))
      let changed = text.replacingCharacters(in: range, with: "\"\(key)\" : \(value), \"old\" : ")
      try changed.write(toFile: path, atomically: true, encoding: .utf8)
      for command in [["info", "cohort"], tinyTraining(1) + ["--quiet", "--data", "cohort", "-o", "run"]] {
        let line = try aginet.fails(4, command)
        #expect(line.contains("cohort.json"), "\(line)")
      }
    }
  }

  @Test func aStoreWhoseTailIsZeros() throws {
    #expect(try aginet(start + ["--splits", "s.json"]).code == 0)
    let path = scratch("cohort/subjects/sub-02.slices")
    var data = try #require(contents(of: path))
    data.replaceSubrange(data.count * 3 / 4..<data.count, with: Data(count: data.count - data.count * 3 / 4))
    try data.write(to: URL(fileURLWithPath: path))
    let line = try aginet.fails(4, tinyTraining(1) + ["--quiet", "--data", "cohort", "-o", "run"])
    #expect(line.contains("sub-02.slices"))
  }
}
