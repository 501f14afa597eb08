import Foundation
import Imaging
import PipelineSupport
import Testing

/// Where `prepare` and `phantom` put their folders: names of every kind, nothing in the inputs, whole at every moment.
@Suite struct OutputNameTests {
  private let scratch: Scratch
  private let aginet: Command
  private var files: FileManager { .default }

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try makeBIDS(scratch("raw"), subjects: 3)
  }

  private func prepare(_ output: String, _ more: String...) -> [String] {
    ["prepare", "--quiet", "bids", "raw", "-o", output] + more
  }

  private let phantom = ["phantom", "--quiet", "--subjects", "1", "--voxel", "8", "--threads", "1"]

  @Test(arguments: ["p", "./p", "p/", "a b", "ü", "-p", "x/y/p", "..p", "🧠", "p.part", "x/../p"])
  func anyNameServes(name: String) throws {
    if name.hasPrefix("x/..") {
      try files.createDirectory(atPath: scratch("x"), withIntermediateDirectories: false)
    }
    let option =
      name.hasPrefix("-") ? ["prepare", "--quiet", "bids", "raw", "--output=\(name)"] : prepare(name)
    let outcome = try aginet(option)
    #expect(outcome.code == 0 && outcome.output == name + "\n", "\(outcome.messages)")
    #expect(files.fileExists(atPath: scratch("\(name)/cohort.json")))
    #expect(try aginet(option + ["--force"]).code == 0)
    #expect(try aginet.fails(6, option).contains("--force"))
    let folders = try files.contentsOfDirectory(atPath: scratch.path)
    #expect(!folders.contains { $0.hasPrefix(".") && $0.hasSuffix(".part") }, "\(folders)")
  }

  @Test(arguments: [".", "..", "/", "x/..", "./"])
  func namesThatAreNone(name: String) throws {
    for command in [["prepare", "--quiet", "bids", "raw"], phantom] {
      for more in [[], ["--force"]] { try aginet.fails(6, command + ["--output=\(name)"] + more) }
    }
    #expect(scratch.files().allSatisfy { $0.hasPrefix("raw/") })
  }

  @Test(arguments: ["p", "./p", "p/", "a b", "ü"])
  func thePhantomToo(name: String) throws {
    let outcome = try aginet(phantom + ["-o", name])
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(files.fileExists(atPath: scratch("\(name)/sub-001/anat/sub-001_T1w.nii.gz")))
    #expect(try aginet.fails(6, phantom + ["-o", name]).contains("--force"))
    #expect(try aginet(phantom + ["-o", name, "--force"]).code == 0)
    // A file of somebody's own is not replaced with the rest.
    try scratch.write("x", to: "\(name)/notes.txt")
    #expect(try aginet.fails(6, phantom + ["-o", name, "--force"]).contains("notes.txt"))
  }

  @Test func nothingIsWrittenIntoTheInput() throws {
    let before = scratch.files()
    for output in ["raw", "raw/", "raw/sub-01", "raw/cohort", "raw/derivatives", "raw/../raw/x", "."] {
      for more in [[], ["--force"]] { try aginet.fails(6, prepare(output) + more) }
    }
    #expect(scratch.files() == before)
    #expect(try aginet(prepare("raw/derivatives/aginet")).code == 0)
    // A cohort that lies in the store to be replaced.
    try files.moveItem(atPath: scratch("raw/derivatives/aginet"), toPath: scratch("store"))
    try files.moveItem(atPath: scratch("raw"), toPath: scratch("store/raw"))
    let line = try aginet.fails(6, ["prepare", "--quiet", "bids", "store/raw", "-o", "store", "--force"])
    #expect(line.contains("holds the input"))
    #expect(files.fileExists(atPath: bidsPath(scratch("store/raw"), 1, .t1)))
  }

  /// Killed at any moment of a replacement, a whole store stands under the name, and the next run clears up.
  @Test func aKillLeavesAStore() throws {
    #expect(try aginet(prepare("p", "--slices", "1-2")).code == 0)
    let old = contents(of: scratch("p/cohort.json"))
    // A run that is not killed says how long one takes.
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try aginet(prepare("q")).code == 0)
    let whole = clock.now - start
    let microseconds =
      Int(whole.components.seconds) * 1_000_000 + Int(whole.components.attoseconds / 1_000_000_000_000)
    let new = contents(of: scratch("q/cohort.json"))
    for attempt in 1...8 {
      let running = try aginet.start(prepare("p", "--force"))
      usleep(UInt32(microseconds * attempt / 8))
      running.signal(SIGKILL)
      _ = running.wait()
      let now = contents(of: scratch("p/cohort.json"))
      #expect(now == old || now == new)
      #expect(try aginet("info", "p").code == 0)
    }
    #expect(try aginet(prepare("p", "--force")).code == 0)
    #expect(contents(of: scratch("p/cohort.json")) == new)
    #expect(try files.contentsOfDirectory(atPath: scratch.path).sorted() == ["p", "q", "raw"])
  }
}
