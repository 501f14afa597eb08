import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// `aginet complete` and `aginet models`, as they are typed.
@Suite struct CompleteTests {
  private let scratch: Scratch
  private let aginet: Command
  private let base: [String]

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    base = ["complete", "raw", "out", "participant", "--model", try Trained.model, "--quiet"]
    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
  }

  private func image(_ subject: Int) throws -> Volume {
    try NIfTI.read(
      path: scratch("out/sub-0\(subject)/anat/sub-0\(subject)_space-individual_desc-synthetic_PDw.nii.gz")
    ).volume
  }

  @Test func aStudyIsCompleted() throws {
    let outcome = try aginet(base)
    #expect(outcome.code == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    #expect(outcome.output == "out/completed.html\n")
    let files = scratch.files(in: "out")
    for person in 1...3 {
      let stem = "sub-0\(person)/anat/sub-0\(person)_space-individual_desc-synthetic_PDw"
      #expect(files.contains("\(stem).nii.gz") && files.contains("\(stem).json"))
    }
    for name in ["completed.html", "participants_completed.tsv", "dataset_description.json", "README"] {
      #expect(files.contains(name))
    }
    // Without the word, again, as JSON.
    let again = try aginet(base.filter { $0 != "participant" } + ["--json"])
    let people = try #require(
      try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [[String: Any]])
    #expect(people.map { $0["state"] as? String } == ["kept", "kept", "kept"])
  }

  @Test func severalAtATimeGiveTheSame() throws {
    #expect(try aginet(base + ["--jobs", "1", "--threads", "1"]).code == 0)
    let alone = try (1...3).map(image)
    try FileManager.default.removeItem(atPath: scratch("out"))
    let outcome = try aginet(base + ["--jobs", "3", "--threads", "3"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    for (one, other) in zip(alone, try (1...3).map(image)) { #expect(one.voxels == other.voxels) }
  }

  @Test func ranksShareOutPeople() throws {
    // As many threads for an operation: with others some processors add up in another order.
    let base = base + ["--threads", "1"]
    #expect(try aginet(base).code == 0)
    let alone = try (1...3).map(image)
    let table = contents(of: scratch("out/participants_completed.tsv"))
    try FileManager.default.removeItem(atPath: scratch("out"))
    let outcome = try aginet(base + ["--ranks", "2"])
    #expect(outcome.code == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    #expect(outcome.output == "out/completed.html\n")
    for (one, other) in zip(alone, try (1...3).map(image)) { #expect(one.voxels == other.voxels) }
    #expect(table != nil && contents(of: scratch("out/participants_completed.tsv")) == table)
    // Who fails is told of once, whoever's share they are.
    try makeBIDS(scratch("more"), subjects: 2, modalities: [.t1, .t2])
    try FileManager.default.removeItem(atPath: bidsPath(scratch("more"), 2, .t1))
    let words = ["complete", "more", "rest"] + base.dropFirst(3) + ["--ranks", "2"]
    let partial = try aginet(words)
    #expect(partial.code == 7 && partial.output == "rest/completed.html\n", "\(partial)")
    #expect(partial.lines.count == 1 && partial.lines[0].contains("sub-02 ("), "\(partial.messages)")
  }

  @Test func anEstimateWritesNothing() throws {
    func estimate() throws -> [String: Any] {
      let outcome = try aginet(base + ["--estimate", "--json"])
      #expect(outcome.code == 0, "\(outcome.messages)")
      return try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 2, .t1))
    let first = try estimate()
    #expect(!FileManager.default.fileExists(atPath: scratch("out")))
    #expect(first["people"] as? Int == 2 && first["images"] as? Int == 2 && first["kept"] as? Int == 0)
    let hindered = try #require(first["hindered"] as? [String: String])
    #expect(Array(hindered.keys) == ["sub-02"] && hindered["sub-02"]?.contains("has no T1") == true)
    // A batch is sent through for the first of two people with scans of one size; the time is that of both.
    let one = try aginet(
      ["synthesize", "--model", base[5], "--t1", bidsPath(scratch("raw"), 1, .t1), "--t2"]
        + [bidsPath(scratch("raw"), 1, .t2), "--estimate", "--json"])
    let alone = try #require(
      try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any])
    let (seconds, each) = (first["seconds"] as? Double ?? 0, alone["seconds"] as? Double ?? 0)
    #expect(seconds > 0 && each > 0)
    let (memory, least) = (first["memory"] as? Int ?? 0, alone["images"] as? Int ?? .max)
    #expect(memory > least)
    let said = try aginet(base + ["--estimate"])
    #expect(said.output.hasPrefix("work    2 images of 2 people to compute; 1 cannot be completed\n"))
    #expect(said.output.contains("memory  ") && said.output.contains("time    about "))

    let few = try aginet(base + ["--participant-label", "01", "02", "--estimate"])
    #expect(few.output.hasPrefix("work    1 image of 1 person to compute; 1 cannot be completed\n"))
    #expect(try aginet(base).code == 7)
    let second = try estimate()
    #expect(second["people"] as? Int == 0 && second["kept"] as? Int == 2)
    #expect(second["seconds"] as? Double == 0)
    // Where nothing is to be computed there is nothing to say of memory and time.
    try NIfTI.write(scan(.pd, subject: 3), to: bidsPath(scratch("raw"), 3, .pd))
    #expect(
      try aginet(base + ["--estimate"]).output
        == "work  0 images of 0 people to compute; 1 has theirs already; 1 lacks nothing; 1 cannot be completed\n"
    )
    _ = try aginet.fails(2, ["complete", "raw", "out", "group", "--estimate"] + base.suffix(3))
  }

  /// Nobody is started for it: one process takes what each of them would.
  @Test func anEstimateOfRanksIsOfEach() throws {
    struct Told: Decodable {
      var people: Int, jobs: Int, processes: Int?, memory: Int, limit: Int, limitOrigin: String
    }
    func told(_ ranks: String) throws -> Told {
      let outcome = try aginet(
        base + ["--threads", "1", "--jobs", "3", "--estimate", "--json", "--ranks", ranks])
      #expect(outcome.code == 0, "\(outcome.messages)")
      return try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
    }
    let (one, two) = (try told("1"), try told("2"))
    #expect(one.processes == nil && two.processes == 2 && one.people == 3 && two.people == 3)
    // The first has two people, the second one.
    #expect(one.jobs == 3 && two.jobs == 2)
    #expect(two.limit == (one.limitOrigin == "ulimit" ? one.limit : one.limit / 2))
    let words = try aginet(base + ["--estimate", "--ranks", "2"])
    #expect(
      words.output.contains("3 images of 3 people") && words.output.contains(" in each of 2 processes, "))
    #expect(!FileManager.default.fileExists(atPath: scratch("out")))
  }

  @Test func labelsAreTakenAsBIDSAppsHaveThem() throws {
    #expect(try aginet(base + ["--participant_label", "02", "sub-03"]).code == 0)
    #expect(!FileManager.default.fileExists(atPath: scratch("out/sub-01")))
    #expect(try aginet(["complete", "raw", "out", "group"] + base.suffix(3)).code == 0)
    let line = try aginet.fails(3, base + ["--participant-label", "7"])
    #expect(line.contains("has no sub-7"))
  }

  @Test func whoeverFailsDecidesTheCode() throws {
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 1, .t1))
    let outcome = try aginet(base)
    #expect(outcome.code == 7 && outcome.output == "out/completed.html\n")
    #expect(outcome.lines.last?.contains("1 of 3 could not be completed: sub-01 (") == true)
    #expect(try aginet(base + ["--participant-label", "01"]).code == 5)
    // Each is told of once: on a line of its own, or, where nothing but the error is wanted, in that.
    let loud = try aginet(base.filter { $0 != "--quiet" })
    for said in [outcome, loud] {
      #expect(said.messages.components(separatedBy: "has no T1, which").count == 2, "\(said.messages)")
    }
    #expect(loud.lines.contains { $0.hasPrefix("sub-01: has no T1") } && loud.code == 7)
    #expect(
      loud.lines.last
        == "aginet: 1 of 3 could not be completed; out/participants_completed.tsv says why")
  }

  /// What goes or is left of earlier runs is said on a line.
  @Test func whatAnEarlierRunMadeIsToldOf() throws {
    #expect(try aginet(base).code == 0)
    try Data("no image".utf8).write(to: URL(fileURLWithPath: bidsPath(scratch("raw"), 1, .t1)))
    try NIfTI.write(scan(.pd, subject: 2), to: bidsPath(scratch("raw"), 2, .pd))
    let outcome = try aginet(base.filter { $0 != "--quiet" })
    #expect(outcome.code == 7)
    for (line, words) in [
      ("sub-01: sub-01/anat/", " is removed: "), ("sub-02: PD was acquired since", "left"),
    ] {
      #expect(outcome.lines.count { $0.hasPrefix(line) && $0.contains(words) } == 1, "\(outcome.messages)")
    }
    #expect(scratch.files(in: "out/sub-01").isEmpty && scratch.files(in: "out/sub-02").count == 3)
  }

  /// Hospitals name people as they please: blanks, letters of any language, sessions, people without a scan of the head.
  @Test func oddNamesAreServed() throws {
    let files = FileManager.default
    func put(_ modality: Modality, _ folder: String, _ stem: String) throws {
      try files.createDirectory(
        atPath: scratch("r\u{e4}w data/\(folder)/anat"), withIntermediateDirectories: true)
      let suffix = modality == .t1 ? "T1w" : "T2w"
      try NIfTI.write(
        scan(modality, subject: 2), to: scratch("r\u{e4}w data/\(folder)/anat/\(stem)_\(suffix).nii.gz"))
    }
    for modality in [Modality.t1, .t2] {
      try put(modality, "sub-M\u{fc}ller 02", "sub-M\u{fc}ller 02")
      try put(modality, "sub-\u{6771}\u{4eac}/ses-a b", "sub-\u{6771}\u{4eac}_ses-a b")
    }
    try put(.t1, "sub-\u{6771}\u{4eac}/ses-2", "sub-\u{6771}\u{4eac}_ses-2")
    try files.createDirectory(atPath: scratch("r\u{e4}w data/sub-03/func"), withIntermediateDirectories: true)

    let outcome = try aginet(
      ["complete", scratch("r\u{e4}w data"), "made of it", "--model", try Trained.model, "--quiet"])
    #expect(outcome.code == 7 && outcome.output == "made of it/completed.html\n", "\(outcome.messages)")
    let made = scratch.files(in: "made of it")
    let ends = "space-individual_desc-synthetic_PDw.nii.gz"
    #expect(made.contains("sub-M\u{fc}ller 02/anat/sub-M\u{fc}ller 02_\(ends)"))
    #expect(made.contains("sub-\u{6771}\u{4eac}/ses-a b/anat/sub-\u{6771}\u{4eac}_ses-a b_\(ends)"))
    let table = try scratch.text("made of it/participants_completed.tsv")
    let states = table.split(separator: "\n").dropFirst().map { $0.split(separator: "\t")[2] }
    #expect(states.sorted() == ["completed", "completed", "failed", "failed"], "\(table)")
    #expect(table.contains("it has no anat folder") && !table.contains(scratch.path))
    let page = try scratch.text("made of it/completed.html")
    let sources = page.matches(of: #/<img src="([^"]*)"/#).compactMap { String($0.1).removingPercentEncoding }
    #expect(sources.count == 2 && sources.allSatisfy(made.contains), "\(sources)")
    #expect(!page.contains(scratch.path))
  }

  @Test func badInputIsOneLine() throws {
    func change(_ words: [String], _ code: Int32, _ part: String, line: Int = #line) throws {
      let said = try aginet.fails(code, words + base.suffix(3))
      #expect(said.contains(part), "\(said) (line \(line))")
    }
    try change(["complete", "nowhere", "out"], 3, "nowhere: no such folder")
    try scratch.write("x", to: "file.txt")
    try FileManager.default.createDirectory(atPath: scratch("empty"), withIntermediateDirectories: true)
    try change(["complete", "empty", "out"], 4, "holds no BIDS subject")
    try change(["complete", "raw", "raw"], 6, "is the input itself")
    try change(["complete", "raw", "raw/sub-01"], 6, "lies inside the input")
    try change(["complete", "raw", "."], 6, "holds the input")
    try change(["complete", "raw", "out", "group"], 3, "nothing was completed there")
    try change(["complete", "raw", "out", "--targets", "flair"], 2, "the model makes PD")
    try change(["complete", "raw", "out", "--targets", "adc"], 2, "unknown modality 'adc'")
    try change(["complete", "raw", "out", "--jobs", "0"], 2, "--jobs 0")
    let model = try TrainedOnTumours.path("seg/model.safetensors")
    #expect(try aginet.fails(2, ["complete", "raw", "out", "--model", model]).contains("is a segmentation"))
    #expect(!FileManager.default.fileExists(atPath: scratch("out")))
  }

  /// A pipeline goes on, and finds what it finds after any other run.
  @Test func nobodyLacksAnything() throws {
    try makeBIDS(scratch("raw"), subjects: 3)
    let loud = base.filter { $0 != "--quiet" }
    let line = "raw: nobody lacks PD; there is nothing to compute (--targets names others)"
    let outcome = try aginet(loud)
    #expect(outcome.code == 0 && outcome.output == "out/completed.html\n", "\(outcome)")
    #expect(outcome.lines.filter { $0.contains("lack") } == [line], "\(outcome.messages)")
    #expect(scratch.files(in: "out").contains("participants_completed.tsv"))
    let named = try aginet(loud + ["--participant-label", "01"])
    #expect(named.code == 0 && named.messages.contains("raw: nobody who was named lacks PD"))
    // Where nobody has what the model takes, that is no success.
    for subject in 1...3 {
      for modality in [Modality.t1, .pd] {
        try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), subject, modality))
      }
    }
    let failed = try aginet(base)
    #expect(failed.code == 5 && failed.lines.last?.contains("has no T1") == true, "\(failed)")
  }

  @Test func modelsArePackedShownAndAveraged() throws {
    try scratch.write(
      #"{"name": "tiny-1", "licence": "Apache-2.0", "limits": ["It was trained for a moment."]}"#,
      to: "card.json")
    let run = try Trained.path("run")
    let packed = try aginet("models", "pack", run, "--card", "card.json", "-o", "tiny.safetensors")
    #expect(packed.code == 0 && packed.output == "tiny.safetensors\n", "\(packed.messages)")
    let digest = try SHA256.ofFile(scratch("tiny.safetensors")).digest
    #expect(packed.messages.contains(digest))
    for command in [["models", "show"], ["info"]] {
      let shown = try aginet(command + ["tiny.safetensors"])
      #expect(shown.output.contains("tiny-1") && shown.output.contains("It was trained for a moment."))
    }
    #expect(
      try aginet.fails(6, ["models", "pack", run, "--card", "card.json", "-o", "tiny.safetensors"])
        .contains("--force"))
    let mean = try aginet("models", "average", run, "tiny.safetensors", "-o", "mean.safetensors")
    #expect(mean.code == 0, "\(mean.messages)")
    #expect(try aginet("info", "mean.safetensors").output.contains("weights averaged"))
    #expect(
      try aginet.fails(
        11, ["models", "average", run, "tiny.safetensors", "-o", "tiny.safetensors", "--force"]
      ).contains("is an input"))
    #expect(
      try aginet.fails(2, ["models", "average", run, run, "-o", "m.safetensors", "--share", "2"])
        .contains("--share"))
  }
}
