import Foundation
import Imaging
import PipelineSupport
import Testing

/// Subjects and people shared out over several processes: the same bytes as of one, whoever computes them.
@Suite struct SharedWorkTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  /// What lies in a folder, by name.
  private func bytes(_ folder: String) -> [String: Data] {
    let names = scratch.files(in: folder)
    return Dictionary(
      uniqueKeysWithValues: names.map { ($0, contents(of: scratch("\(folder)/\($0)")) ?? Data()) })
  }

  /// Runs a command alone and with so many ranks, and expects the same words, code and files.
  /// - Returns: the names of the files.
  @discardableResult
  private func expectSame(_ words: [String], ranks: Int, folder: String, code: Int32 = 0) throws -> [String] {
    // As many threads for an operation: with others some processors add up in another order.
    let words = words + ["--threads", "1", "--quiet"]
    func outcome(_ more: [String]) throws -> (Command.Outcome, [String: Data]) {
      try? FileManager.default.removeItem(atPath: scratch(folder))
      return (try aginet(words + more), bytes(folder))
    }
    let (alone, expected) = try outcome([])
    #expect(alone.code == code, "\(alone.messages)")
    let (shared, found) = try outcome(["--ranks", "\(ranks)"])
    #expect(shared.code == code && shared.output == alone.output, "\(shared)")
    #expect(shared.messages == alone.messages)
    #expect(Set(found.keys) == Set(expected.keys) && !found.isEmpty)
    for (name, bytes) in expected { #expect(found[name] == bytes, "\(name) of \(words)") }
    return found.keys.sorted()
  }

  private func copyRun(_ name: String) throws {
    try FileManager.default.copyItem(atPath: TrainedOnTumours.path(name), toPath: scratch(name))
  }

  // MARK: - Evaluations

  private func onTumours(_ split: String = "train") throws -> [String] {
    ["--split", split, "--data", try TrainedOnTumours.path("cohort")]
  }

  /// Three subjects of five slices: batches hold slices of two of them.
  @Test(arguments: [(2, 4), (3, 2), (4, 3)]) func slicesAreScoredAsByOne(ranks: Int, batch: Int) throws {
    try copyRun("run")
    let words = try ["evaluate", "run", "--batch", "\(batch)"] + onTumours()
    let files = try expectSame(words, ranks: ranks, folder: "run/evaluation/train")
    #expect(Set(["slices.csv", "subjects.csv", "lesions.csv", "summary.json"]).isSubset(of: files))
  }

  @Test func volumesAreScoredAsByOne() throws {
    try copyRun("run")
    let files = try expectSame(
      ["evaluate", "run", "--protocol", "brasyn"] + onTumours(), ranks: 2,
      folder: "run/evaluation/train/brasyn")
    #expect(files.contains("subjects.csv"))
  }

  @Test func segmentationsAreScoredAsByOne() throws {
    try copyRun("seg")
    let words = try ["evaluate", "seg", "--fill", "t2=zero", "--fill", "t2=copy:t1"] + onTumours()
    let files = try expectSame(words, ranks: 2, folder: "seg/evaluation/train")
    #expect(files.contains("slices.csv"))
  }

  /// Some processes have nothing to do.
  @Test func oneSubjectIsOneProcesses() throws {
    try copyRun("run")
    try copyRun("seg")
    let all: [(String, [String])] = [("run", []), ("run", ["--protocol", "brasyn"]), ("seg", [])]
    for (run, more) in all {
      try expectSame(
        ["evaluate", run] + more + onTumours("test"), ranks: 3, folder: "\(run)/evaluation/test")
    }
  }

  @Test func evaluationsThatMakeNoSenseAreToldOfOnce() throws {
    try copyRun("run")
    let words = try ["evaluate", "run", "--ranks", "2", "--quiet"] + onTumours("test")
    #expect(try aginet.fails(2, words + ["--batch", "0"]).contains("--batch 0"))
    #expect(try aginet.fails(2, words + ["--ranks", "0"]).contains("--ranks 0"))
    #expect(try aginet.fails(2, words + ["--protocol", "brasyn", "--ssim", "crop"]).contains("--ssim crop"))
    #expect(try aginet.fails(3, words + ["--data", "nowhere"]).contains("nowhere"))
    #expect(!FileManager.default.fileExists(atPath: scratch("run/evaluation")))
    #expect(try aginet(words).code == 0)
    #expect(try aginet.fails(6, words).contains("--force"))
    #expect(try aginet(words + ["--force"]).code == 0)
  }

  // MARK: - People

  private func assessing(_ more: [String] = []) throws -> [String] {
    ["assess", "people", "--model", try Trained.model, "--tasks", "t1,t2>pd t1>t2", "-o", "out"] + more
  }

  @Test(arguments: [2, 3]) func peopleAreMeasuredAsByOne(ranks: Int) throws {
    try makeBIDS(scratch("people"), subjects: 4)
    let files = try expectSame(assessing(), ranks: ranks, folder: "out")
    let pictures = (1...4).map { "figures/people_sub-0\($0)_t1-t2-to-pd.png" }
    #expect(Set(["assessment.html", "people.csv", "summary.json"] + pictures).isSubset(of: files))
  }

  @Test func whoCannotBeReadIsToldOfOnceWhoeverHasThem() throws {
    try makeBIDS(scratch("people"), subjects: 3)
    try scratch.write("no scan", to: "people/sub-02/anat/sub-02_PDw.nii.gz")
    try expectSame(assessing(), ranks: 2, folder: "out", code: 7)
    let outcome = try aginet(assessing(["--force", "--ranks", "2", "--quiet"]))
    #expect(outcome.lines.count == 1 && outcome.messages.contains("1 person was not measured"))
    #expect(try aginet.fails(6, assessing(["--ranks", "2"])).contains("--force"))
    let nobody = try aginet.fails(
      5, assessing(["--force", "--ranks", "2", "--tasks", "flair>t1"]))
    #expect(nobody.contains("nobody has what flair>t1"))
    let inside = try aginet.fails(6, assessing(["--ranks", "2", "-o", "people/out"]))
    #expect(inside.contains("inside the input"))
    #expect(!FileManager.default.fileExists(atPath: scratch("people/out")))
  }

  @Test func oneOfTwoThatIsKilledEndsTheOther() throws {
    try makeBIDS(scratch("people"), subjects: 9)
    let running = try aginet.start(
      ["assess", "people", "--model", Trained.model, "-o", "out", "--ranks", "2", "--threads", "1"])
    #expect(waits { FileManager.default.fileExists(atPath: scratch("out")) || !running.process.isRunning })
    let parent = running.process.processIdentifier
    let children = contents(of: "/proc/\(parent)/task/\(parent)/children") ?? Data()
    let ranks = String(decoding: children, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    #expect(ranks.count == 2)
    kill(try #require(ranks.last), SIGKILL)
    let outcome = running.wait()
    #expect(outcome.code == 1, "\(outcome.messages)")
    #expect(outcome.lines.filter { $0.hasPrefix("aginet: ") }.count == 1, "\(outcome.messages)")
    #expect(ranks.allSatisfy { rank in waits(upTo: 10_000) { kill(rank, 0) != 0 } })
    #expect(!FileManager.default.fileExists(atPath: scratch("out/summary.json")))
  }
}
