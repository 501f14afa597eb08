import Failures
import Foundation
import Imaging
import PipelineSupport
import Testing

/// What the command line says of itself, and of commands that make no sense.
@Suite struct UsageTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  /// The subcommands that `--help` lists.
  static let commands: [String] = {
    let help = (try? Command(in: "/")("--help").output) ?? ""
    let list = help.components(separatedBy: "SUBCOMMANDS:").dropFirst().first ?? ""
    return list.split(separator: "\n").compactMap { line in
      line.hasPrefix("  ") && !line.hasPrefix("   ") && !line.hasPrefix("  See ")
        ? line.split(separator: " ").first.map(String.init) : nil
    }
  }()

  @Test func theVersionIsPrinted() throws {
    let outcome = try aginet("--version")
    #expect(outcome.code == 0 && outcome.output.split(separator: ".").count == 3)
    #expect(outcome.messages.isEmpty)
  }

  @Test(arguments: ["tf32", "bf16"]) func whatIsAGPUsIsRefusedOnACPU(_ precision: String) throws {
    let (t1, model) = (try Trained.scan(.t1), try Trained.model)
    let works = [
      ["train", "--data", try Trained.cohort, "-o", "run"],
      ["synthesize", "--t1", t1, "--target", "t2", "-o", "t2.nii.gz"],
      ["segment", "--model", model, "--t1", t1, "-o", "labels.nii.gz"],
      ["complete", ".", "made", "participant"],
      ["assess", ".", "--model", model, "-o", "assessed"],
      ["evaluate", try Trained.path("run"), "--data", try Trained.cohort],
    ]
    for words in works {
      let message = try aginet.fails(2, words + ["--precision", precision])
      #expect(message.contains("--precision \(precision) is a GPU's"))
    }
    #expect(scratch.files().isEmpty)
  }

  /// A CPU repeats itself as it is: the flag is taken, and no byte is another.
  @Test func onACPUDeterministicChangesNothing() throws {
    let start = try tinyTraining(6) + ["--quiet", "--data", Trained.cohort, "-o"]
    for (run, more) in [("one", []), ("other", ["--deterministic"])] {
      let outcome = try aginet(start + [run] + more)
      #expect(outcome.code == 0, "\(outcome.messages)")
    }
    for name in ["model.safetensors", "checkpoints/last.safetensors", "log.csv", "experiment.json"] {
      let bytes = try #require(contents(of: scratch("one/\(name)")), "\(name)")
      #expect(contents(of: scratch("other/\(name)")) == bytes, "\(name)")
    }
  }

  @Test(arguments: commands) func whereverThereIsADeviceItMayBeDeterministic(command: String) throws {
    let help = try aginet(command, "--help").output
    // Doctor computes nothing.
    #expect(help.contains("--deterministic") == (help.contains("--device") && command != "doctor"))
  }

  /// Replacing an output and going on where a check refuses are two things.
  @Test func whatForceDoesIsSaid() throws {
    for (command, overrules) in [("synthesize", true), ("complete", true), ("segment", false)] {
      let help = try aginet(command, "--help").output.split(whereSeparator: \.isWhitespace).joined(
        separator: " ")
      let words = try #require(help.split(separator: "--force ").dropFirst().last)
      #expect(words.contains("(exit code 11)") == overrules && words.contains("Overruled") == overrules)
    }
  }

  @Test func theCodesOfTheHelpAreThoseOfTheProgram() throws {
    let help = try aginet("--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for code in Failure.Kind.allCases where code.rawValue < 130 {
      #expect(help.contains("\(code.rawValue) "))
    }
    #expect(help.contains("130/143"))
    #expect(Self.commands.count >= 7)
  }

  @Test(arguments: commands)
  func everyCommandHasAnExampleThatNamesIt(command: String) throws {
    let help = try aginet(command, "--help")
    #expect(help.code == 0 && help.messages.isEmpty)
    #expect(help.output.contains("\n  aginet \(command)"), "\(help.output)")
  }

  /// The examples of `--help` parse: none ends as a wrong command line.
  @Test(arguments: commands)
  func everyExampleParses(command: String) throws {
    let help = try aginet(command, "--help").output.replacingOccurrences(of: "\\\n", with: "")
    for line in help.split(separator: "\n") where line.hasPrefix("  aginet ") {
      try expectParses(String(line))
    }
  }

  @Test(arguments: [
    [], ["synthesise"], ["train"], ["train", "--data"], ["evaluate", "--data", "x"], ["info"],
    ["info", "a", "b"], ["info", "a", "--network", "resunet"], ["reproduce", "--data", "x", "-o", "y"],
    ["synthesize", "--t1"], ["train", "--data", "x", "-o", "y", "--iterations", "many"],
    ["prepare", "bids", "x", "-o", "y", "--frobnicate"],
  ])
  func aWrongCommandLineEndsWithUsage(arguments: [String]) throws {
    let outcome = try aginet(arguments)
    // The bare name shows the help, as that is what was asked.
    #expect(outcome.code == (arguments.isEmpty ? 0 : 2), "\(outcome.messages)")
    if !arguments.isEmpty {
      #expect(outcome.messages.contains("Usage:") && outcome.output.isEmpty)
    }
  }

  @Test func trainingThatMakesNoSense() throws {
    let start = ["train", "--data", try Trained.cohort, "-o", "run"]
    #expect(try aginet.fails(2, start + ["--set", "widht=4"]).contains("known are"))
    #expect(try aginet.fails(2, start + ["--set", "width=four"]).contains("a whole number"))
    #expect(try aginet.fails(2, start + ["--sources", "t1,ct"]).contains("'ct'"))
    #expect(try aginet.fails(2, start + ["--sources", "t1,pd"]).contains("(T1, PD) -> PD"))
    #expect(try aginet.fails(5, start + ["--sources", "t1,flair"]).contains("FLAIR"))
    #expect(try aginet.fails(2, start + ["--network", "unet"]).contains("agi-net"))
    #expect(try aginet.fails(2, start + ["--width", "12"]).contains("8 groups"))
    #expect(try aginet.fails(2, start + ["--threads", "0"]).contains("--threads 0"))
    #expect(try aginet.fails(2, start + ["--loaders=-1"]).contains("loader"))
    #expect(try aginet.fails(3, ["train", "none.json"] + start.dropFirst()).contains("none.json"))
    try scratch.write("{ width: 4 }", to: "e.json")
    #expect(try aginet.fails(4, ["train", "e.json"] + start.dropFirst()).contains("e.json:1:3"))
    #expect(try aginet.fails(3, ["train", "--data", "none", "-o", "run"]).contains("prepare"))
    #expect(try aginet.fails(4, ["train", "--data", ".", "-o", "run"]).contains("prepare"))
    try aginet.fails(6, ["train", "--data", try Trained.cohort, "-o", "e.json"])
    #expect(scratch.files() == ["e.json"])
  }

  @Test func memoryThatIsNotThereIsALimit() throws {
    var command = aginet
    // 1.5 GiB of addresses: the libraries fit, a network of 512 channels does not.
    command.prefix = ["/bin/bash", "-c", "ulimit -v 1572864 && exec \"$@\"", "limited"]
    let outcome = try command(
      tinyTraining(1) + ["--quiet", "--data", Trained.cohort, "-o", "run", "--width", "512", "--groups", "8"])
    #expect(outcome.code == 8 && outcome.lines.count == 1, "\(outcome.messages)")
  }

  @Test func aRunThatDivergesNamesTheIterationAndKeepsTheCheckpoint() throws {
    let arguments =
      try tinyTraining(9, checkpointEvery: 1) + [
        "--quiet", "--data", Trained.cohort, "-o", "run", "--rate", "1e30", "--set",
        "pix2pix.weightAdversarial=0",
      ]
    let line = try aginet.fails(10, arguments)
    #expect(line.contains("iteration 2") && line.contains("checkpoint before is kept"), "\(line)")
    #expect(contents(of: scratch("run/checkpoints/last.safetensors")) != nil)
    #expect(!scratch.files(in: "run").contains { $0.hasSuffix(".partial") })
  }

  @Test func evaluationsThatMakeNoSense() throws {
    let (cohort, run) = (try Trained.cohort, try Trained.path("run"))
    try aginet.fails(3, ["evaluate", "none", "--data", cohort])
    try aginet.fails(3, ["evaluate", cohort, "--data", cohort])
    try aginet.fails(3, ["evaluate", run, "--data", "none"])
    try aginet.fails(2, ["evaluate", run, "--data", cohort, "--batch", "0"])
  }

  @Test func infoKnowsWhatItIsShown() throws {
    #expect(try aginet("info", Trained.model).output.contains("(T1, T2) -> PD"))
    #expect(try aginet("info", Trained.path("run")).output.contains("(T1, T2) -> PD"))
    #expect(try aginet("info", Trained.cohort).output.contains("T1, T2, PD"))
    let volume = try aginet("info", Trained.scan(.t1)).output
    #expect(volume.contains("28 x 30 x 6") && volume.contains("1 x 1 x 3 mm") && volume.contains("LPS"))
    let network = try aginet("info", "--network", "resunet", "--width", "4", "--size", "32").output
    #expect(network.contains("ResUnet (pix2pix), width 4") && network.contains("multiply-adds"))
    try aginet.fails(2, ["info", "--network", "unet"])
    try aginet.fails(2, ["info", "--network", "resunet", "--size", "0"])
    try aginet.fails(3, ["info", "none"])
    try aginet.fails(4, ["info", Trained.path("splits.json")])
  }

  /// The code is that of what is wrong.
  @Test func doctorEndsWithTheCodeOfWhatIsWrong() throws {
    for (folder, code) in [(scratch.path, 0), ("/proc", 6)] as [(String, Int32)] {
      var doctor = try Command(in: folder)
      doctor.environment = ["AGINET_ATLAS_DIR": scratch.path]
      let outcome = try doctor("doctor")
      #expect(outcome.code == code, "\(outcome.output)")
      #expect(outcome.output.contains("FIX  folder") == (code == 6))
    }
    #expect(scratch.files().isEmpty)
    var lacking = try Command(in: "/proc")
    lacking.environment = ["AGINET_ATLAS_DIR": scratch.path, "AGINET_MODELS": scratch.path]
    #expect(try lacking("doctor").code == 3)
  }

  @Test func citationsArePrinted() throws {
    let text = try aginet("cite").output
    #expect(text.contains("2411.14684") && text.contains("@software{aginet,"))
    // What the card of the model asks for; and without a model the rest all the same.
    #expect(
      text.contains("The models physics-5, physics-4:\n")
        && text.contains("SynthSeg: Segmentation of brain MRI"))
    var lacking = aginet
    lacking.environment = ["AGINET_MODELS": scratch.path]
    let rest = try lacking("cite")
    #expect(rest.code == 0 && rest.output.contains("2411.14684") && !rest.output.contains("SynthSeg"))
  }
}

/// Runs a line of documentation where nothing can be read or written: it must get past the command line.
func expectParses(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let words = line.trimmingCharacters(in: .whitespaces)
  let name = words.prefix { $0 != " " }
  var command = try Command(in: "/proc")
  command.prefix = ["/bin/sh", "-c", "exec timeout 20 \"$0\"\(words.dropFirst(name.count))"]
  let outcome = try command([])
  // 124: it had begun to work and was stopped.
  let isParsed = [0, 3, 4, 5, 6, 124].contains(outcome.code)
  #expect(isParsed, "\(words): \(outcome.code) \(outcome.messages)", sourceLocation: sourceLocation)
}
