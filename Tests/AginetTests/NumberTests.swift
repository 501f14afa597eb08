import Foundation
import Imaging
import PipelineSupport
import Testing

/// Every number and name that a user can give.
@Suite struct NumberTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  static let senseless = [
    "0", "-1", "-0", "nan", "inf", "-inf", "1e308", "1e400", "9223372036854775807", "18446744073709551616",
  ]

  /// Words before a number that must be whole and above 0, by command; the largest that makes sense is far below 2^63.
  static let whole: [[String]] = [
    ["train", "--iterations"], ["train", "--batch"], ["train", "--width"], ["train", "--groups"],
    ["train", "--threads"],
    ["evaluate", "--batch"], ["evaluate", "--threads"], ["report", "--batch"], ["report", "--threads"],
    ["reproduce", "--iterations"], ["reproduce", "--width"], ["reproduce", "--groups"],
    ["reproduce", "--batch"],
    ["reproduce", "--seeds"], ["reproduce", "--threads"], ["reproduce", "--samples"],
    ["synthesize", "--batch"],
    ["synthesize", "--max-voxels"], ["synthesize", "--threads"], ["demo", "--iterations"],
    ["demo", "--width"],
    ["demo", "--batch"], ["demo", "--threads"], ["demo", "--subjects"], ["info", "--width"],
    ["info", "--groups"],
    ["info", "--size"],
  ]

  private func rest(_ command: String) throws -> [String] {
    let (cohort, run) = (try Trained.cohort, try Trained.path("run"))
    switch command {
    case "train": return ["--data", cohort, "-o", "run"]
    case "evaluate": return [run, "--data", cohort, "--force"]
    case "report": return [run, "--data", cohort, "-o", "page.html"]
    case "reproduce": return ["table5", "--data", cohort, "-o", "tables", "--dry-run"]
    case "synthesize":
      return [
        "--model", try Trained.model, "--t1", try Trained.scan(.t1), "--t2", try Trained.scan(.t2), "-o",
        "pd.nii.gz",
      ]
    case "info": return ["--network", "agi-net"]
    default: return ["-o", "demo"]
    }
  }

  /// All of them of one option, and of the others, which are read alike, those that bounds stop and not reading.
  @Test(arguments: whole) func aNumberThatMakesNoSenseIsAWrongCommandLine(words: [String]) throws {
    for number in words == Self.whole.first ? Self.senseless : ["0", "-1", "9223372036854775807"] {
      let outcome = try aginet([words[0], "\(words[1])=\(number)"] + rest(words[0]))
      #expect(outcome.code == 2, "\(words) \(number): \(outcome.code) \(outcome.messages)")
      #expect(outcome.output.isEmpty)
    }
    #expect(scratch.files().isEmpty)
  }

  /// Of the experiment's numbers, all of which are tried where experiments are made, some through the program.
  @Test(arguments: ["width", "pix2pix.weightL1", "physics.gain"])
  func aSettingThatMakesNoSenseIsAWrongCommandLine(key: String) throws {
    for number in ["9223372036854775807", "-1e308", "NaN"] {
      let outcome = try aginet("train", "--dry-run", "--data", "x", "-o", "y", "--set", "\(key)=\(number)")
      #expect(outcome.code == 2, "\(key)=\(number): \(outcome.code) \(outcome.messages)")
      #expect(outcome.lines.count == 1 && outcome.messages.hasPrefix("aginet: "), "\(key)=\(number)")
    }
    #expect(scratch.files().isEmpty)
  }

  @Test(arguments: ["a", "a/", "./a", "ü b", "-", "a.b", "...", "a//", "b/../a"])
  func namesOfAllKindsAreFolders(name: String) throws {
    try FileManager.default.createDirectory(atPath: scratch("b"), withIntermediateDirectories: true)
    let raw = try Trained.path("raw")
    for (arguments, path) in [
      (["prepare", "bids", raw, "--splits", try Trained.path("splits.json")], name),
      (tinyTraining(1) + ["--data", try Trained.cohort], name + "2"),
      (["phantom", "--subjects", "1", "--voxel", "8"], name + "3"),
    ] {
      let outcome = try aginet(arguments + ["--output=\(path)", "--quiet"])
      #expect(outcome.code == 0, "\(arguments[0]) \(path): \(outcome.code) \(outcome.messages)")
    }
  }

  /// What cannot be an output, or only by chance, ends with one line.
  @Test(arguments: [
    ".", "..", "/", "", "//", "./", "a\n", "a/b/c", "/dev/null", "/proc/a",
    String(repeating: "n", count: 300),
  ])
  func namesThatCannotBeOutputsEndWithOneLine(name: String) throws {
    let (cohort, run) = (try Trained.cohort, try Trained.path("run"))
    try scratch.write("mine", to: "mine")
    try FileManager.default.createDirectory(atPath: scratch("here"), withIntermediateDirectories: true)
    var aginet = try Command(in: scratch("here"))
    aginet.environment["AGINET_ATLAS_DIR"] = "/none"
    // A run may be trained into any folder that can be written, and the system's root can.
    let training =
      name.allSatisfy { $0 == "/" } && !name.isEmpty ? [] : [tinyTraining(1) + ["--data", cohort]]
    for arguments in training + [
      ["prepare", "bids", try Trained.path("raw")],
      [
        "synthesize", "--model", try Trained.model, "--t1", try Trained.scan(.t1), "--t2",
        try Trained.scan(.t2),
      ],
      ["report", run, "--data", cohort], ["phantom", "--subjects", "1", "--voxel", "8"],
      ["demo", "--iterations", "1"],
    ] {
      let outcome = try aginet(arguments + ["--output=\(name)", "--quiet", "--threads=1"])
      #expect(
        [0, 2, 3, 6].contains(outcome.code), "\(arguments[0]) '\(name)': \(outcome.code) \(outcome.messages)")
      let isUsage = outcome.messages.contains("Usage:")
      if outcome.code != 0 && !isUsage {
        #expect(outcome.lines.count == 1, "\(arguments[0]) '\(name)': \(outcome.messages)")
      }
    }
    #expect(contents(of: scratch("mine")) == Data("mine".utf8))
  }
}
