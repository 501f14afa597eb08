import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// Bad input to `synthesize`: one line on standard error, the documented exit code, no output.
@Suite struct SynthesizeTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try FileManager.default.copyItem(atPath: Trained.scan(.t1), toPath: scratch("t1.nii.gz"))
    try FileManager.default.copyItem(atPath: Trained.scan(.t2), toPath: scratch("t2.nii.gz"))
  }

  /// T1 is well, T2 is this file.
  private func refused(_ code: Int32, _ t2: String) throws -> String {
    let before = scratch.files()
    let line = try aginet.fails(
      code, ["synthesize", "--model", Trained.model, "--t1", "t1.nii.gz", "--t2", t2, "-o", "pd.nii.gz"])
    #expect(line.contains(t2))
    #expect(scratch.files() == before)
    return line
  }

  private func write(_ volume: Volume, _ name: String) throws { try NIfTI.write(volume, to: scratch(name)) }
  private func write(_ bytes: Data, _ name: String) throws {
    try bytes.write(to: URL(fileURLWithPath: scratch(name)))
  }

  @Test func aContrastIsGivenOnce() throws {
    let line = try aginet.fails(
      2,
      ["synthesize", "--model", Trained.model, "--t1", "t1.nii.gz", "--t1", "t2.nii.gz", "-o", "pd.nii.gz"])
    #expect(line.contains("--t1 is given twice: t1.nii.gz and t2.nii.gz"))
  }

  /// What a run leaves that was ended just before its volume got its name is in nobody's way; what else stands there is.
  @Test func aSidecarThatWasLeftIsReplaced() throws {
    let arguments = try [
      "synthesize", "--model", Trained.model, "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o", "pd.nii.gz",
      "-q",
    ]
    #expect(try aginet(arguments).code == 0)
    let sidecar = contents(of: scratch("pd.json"))
    try FileManager.default.removeItem(atPath: scratch("pd.nii.gz"))
    #expect(try aginet(arguments).code == 0)
    #expect(contents(of: scratch("pd.json")) == sidecar)
    try FileManager.default.removeItem(atPath: scratch("pd.nii.gz"))
    try scratch.write("{}", to: "pd.json")
    #expect(try aginet.fails(6, arguments).contains("pd.json: exists already"))
    // That of a scan never goes.
    let beside = Array(arguments.dropLast(2)) + ["t1.nii", "--force"]
    #expect(try aginet.fails(11, beside).contains("t1.json: is where what is known of the input"))
  }

  /// Whatever it is called by now.
  @Test func aScanThatWasComputedIsNamed() throws {
    let image = try NIfTI.read(path: scratch("t2.nii.gz"))
    try NIfTI.write(
      image.volume, like: image.header, as: .float32, description: "SYNTHETIC T2, not acquired",
      to: scratch("made.nii.gz"))
    let outcome = try aginet(
      "synthesize", "--model", Trained.model, "--t2", "made.nii.gz", "--t1", "t1.nii.gz", "-o", "pd.nii.gz")
    #expect(outcome.code == 0)
    #expect(outcome.messages.contains("made.nii.gz: was computed and not acquired"), "\(outcome.messages)")
  }

  @Test func itWritesVolumeAndSidecar() throws {
    let outcome = try aginet(
      "synthesize", "--model", Trained.model, "--t2", "t2.nii.gz", "--t1", "t1.nii.gz", "-o", "pd.nii.gz",
      "--threads", "1")
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.output == "pd.nii.gz\n")
    #expect(outcome.lines.last?.hasPrefix("SYNTHETIC image computed from T1, T2; not acquired.") == true)
    #expect(scratch.files() == ["pd.json", "pd.nii.gz", "t1.nii.gz", "t2.nii.gz"])
    let made = try NIfTI.read(path: scratch("pd.nii.gz"))
    #expect(made.volume.grid == (try NIfTI.readHeader(path: scratch("t1.nii.gz")).grid))

    // The same again is the same, but not without --force; a run folder is its model.
    let first = contents(of: scratch("pd.nii.gz"))
    let beside = try #require(contents(of: scratch("pd.json")))
    let again = [
      "synthesize", "--model", try Trained.model, "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o", "pd.nii.gz",
    ]
    #expect(try aginet.fails(6, again).contains("--force"))
    let forced = try aginet(again + ["--force", "--quiet", "--json"])
    #expect(forced.code == 0 && forced.messages.isEmpty, "\(forced.messages)")
    #expect(contents(of: scratch("pd.nii.gz")) == first)
    #expect(Data(forced.output.utf8) == contents(of: scratch("pd.json")))
    let folder = try aginet(
      again.map { $0.hasSuffix("/model.safetensors") ? Path.folder($0) : $0 } + ["--force"])
    #expect(folder.code == 0 && contents(of: scratch("pd.json")) == beside, "\(folder.messages)")
    #expect(contents(of: scratch("pd.nii.gz")) == first)
  }

  /// The model that comes with the program sees a head that is fine in every direction in three planes.
  @Test func thePlanesThatWereSeenStandInTheSidecar() throws {
    let affine = Affine([-2, 0, 0, 50], [0, -2, 0, 60], [0, 0, 2, 0])
    let head = scan(.t1, subject: 1, size: [48, 56, 40])
    try write(Volume(dimensions: head.dimensions, affine: affine, voxels: head.voxels), "head.nii.gz")
    func made(_ options: String...) throws -> (sidecar: [String: Any], volume: Volume) {
      let outcome = try aginet(
        ["synthesize", "--t1", "head.nii.gz", "--target", "flair", "-o", "flair.nii.gz", "--force"] + options)
      #expect(outcome.code == 0, "\(outcome.messages)")
      let json = try JSONSerialization.jsonObject(with: try #require(contents(of: scratch("flair.json"))))
      let volume = try NIfTI.read(path: scratch("flair.nii.gz")).volume
      return (try #require(json as? [String: Any]), volume)
    }
    let (all, axial) = (try made(), try made("--axial-only"))
    #expect(all.sidecar["Planes"] as? [String] == ["axial", "coronal", "sagittal"])
    #expect(axial.sidecar["Planes"] as? [String] == ["axial"])
    #expect(all.volume.grid == axial.volume.grid && all.volume.voxels != axial.volume.voxels)
    #expect(all.volume.voxels.allSatisfy { $0.isFinite && $0 >= 0 })
  }

  /// Scans on other grids come onto one where that is asked for, and the sidecar says how.
  @Test func scansOnOtherGridsAreBroughtOntoOne() throws {
    let t2 = scan(.t2, subject: 5)
    let other = t2.resampled(to: t2.grid.resized(columns: 42, rows: 45, planes: 9))
    try write(other, "other.nii.gz")
    let start = ["synthesize", "--model", try Trained.model, "--t1", "t1.nii.gz", "--t2", "other.nii.gz"]
    let line = try aginet.fails(5, start + ["-o", "pd.nii.gz"])
    #expect(
      line.contains("are not on one grid") && line.contains("--register or --resample brings them onto one"))

    for (grid, own) in [("t1", "t1.nii.gz"), ("t2", "other.nii.gz")] {
      let outcome = try aginet(start + ["--resample", "--grid", grid, "-o", "on-\(grid).nii.gz"])
      #expect(outcome.code == 0, "\(outcome.messages)")
      #expect(outcome.lines.contains { $0.contains("was resampled onto the grid of \(grid.uppercased())") })
      let made = try NIfTI.read(path: scratch("on-\(grid).nii.gz")).volume
      #expect(made.grid == (try NIfTI.readHeader(path: scratch(own)).grid))
      let sidecar = try #require(contents(of: scratch("on-\(grid).json")))
      let fields = try #require(try JSONSerialization.jsonObject(with: sidecar) as? [String: Any])
      #expect(fields["AlignedBy"] as? String == "headers")
      let placements = try #require(fields["Alignment"] as? [[String: Any]])
      #expect(placements.count == 1 && placements[0]["Onto"] as? String == grid)
      #expect(placements[0]["Resampled"] as? Bool == true)
      let estimate = try aginet(start + ["--resample", "--grid", grid, "--estimate"])
      #expect(estimate.code == 0, "\(estimate.messages)")
    }
    for (words, code, part) in [
      (["--resample", "--register"], 2, "--resample --register"),
      (["--grid", "t1"], 2, "--grid t1: goes with"),
      (["--resample", "--grid", "flair"], 2, "--grid flair: FLAIR is not among the scans"),
    ] {
      #expect(try aginet.fails(Int32(code), start + words + ["-o", "pd.nii.gz"]).contains(part))
    }
    #expect(!scratch.files().contains("pd.nii.gz"))
  }

  /// The scale of another scan of the wanted contrast, whatever unit it has.
  @Test func theScaleOfAScanIsTaken() throws {
    func scale(_ name: String) throws -> Double {
      try #require(ForegroundScale.of(try NIfTI.read(path: scratch(name)).volume.voxels))
    }
    var other = scan(.pd, subject: 3)
    other.voxels = other.voxels.map { $0 * 7 }
    try write(other, "other.nii.gz")
    let start = [
      "synthesize", "--model", try Trained.model, "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "--threads", "1",
      "-o",
    ]
    #expect(try aginet(start + ["unit.nii.gz"]).code == 0)
    let outcome = try aginet(start + ["like.nii.gz", "--intensity", "like", "other.nii.gz"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(abs(try scale("like.nii.gz") / scale("other.nii.gz") - 1) < 1e-3)
    let sidecar = try #require(contents(of: scratch("like.json")))
    let fields = try #require(try JSONSerialization.jsonObject(with: sidecar) as? [String: Any])
    #expect((fields["IntensityRule"] as? String)?.contains("that of other.nii.gz") == true)
    // The same image but for a factor.
    let factor = Float(try #require(fields["IntensityFactor"] as? Double))
    let (unit, like) = (
      try NIfTI.read(path: scratch("unit.nii.gz")).volume, try NIfTI.read(path: scratch("like.nii.gz")).volume
    )
    #expect(zip(unit.voxels, like.voxels).allSatisfy { abs($0 * factor - $1) <= 1e-5 * max(1, $1) })

    let dark = Volume(grid: other.grid, voxels: other.voxels.map { _ in 0 })
    try write(dark, "dark.nii.gz")
    for (words, code, part) in [
      (["like"], 2, "--intensity like"), (["like", "none.nii.gz"], 3, "none.nii.gz"),
      (["like", "dark.nii.gz"], 4, "dark.nii.gz"), (["loud"], 2, "--intensity loud"),
    ] as [([String], Int32, String)] {
      #expect(try aginet.fails(code, start + ["x.nii.gz", "--intensity"] + words).contains(part))
    }
    // The scan that has the scale is an input, too.
    let own = start + ["other.nii.gz", "--force", "--intensity", "like", "other.nii.gz"]
    #expect(try aginet.fails(11, own).contains("is an input"))
    #expect(!scratch.files().contains("x.nii.gz"))
  }

  @Test func filesThatCannotBeRead() throws {
    #expect(try refused(3, "none.nii.gz").contains("no such file"))
    try FileManager.default.createDirectory(atPath: scratch("d.nii.gz"), withIntermediateDirectories: true)
    #expect(try refused(3, "d.nii.gz").contains("folder"))
  }

  @Test func filesThatAreNotNIfTI() throws {
    try write(
      Data("not a scan, but long enough to hold a header? \(String(repeating: "x", count: 400))".utf8),
      "a.nii")
    #expect(try refused(4, "a.nii").contains("not NIfTI"))
    try write(Data(), "empty.nii.gz")
    _ = try refused(4, "empty.nii.gz")
    let good = try #require(contents(of: scratch("t2.nii.gz")))
    try write(good.prefix(good.count - 20), "cut.nii.gz")
    _ = try refused(4, "cut.nii.gz")
    try write(good, "t2.nii")
    #expect(try refused(4, "t2.nii").contains("gzip"))
    var spoiled = good
    spoiled[good.count - 6] ^= 1
    try write(spoiled, "crc.nii.gz")
    _ = try refused(4, "crc.nii.gz")
    try write(scan(.t2, subject: 5), "plain.nii")
    let plain = try #require(contents(of: scratch("plain.nii")))
    try write(plain.prefix(5000), "short.nii")
    #expect(try refused(4, "short.nii").contains("truncated"))
    // A header that tells of two volumes, with the voxels to it.
    var two = plain
    (two[40], two[48]) = (4, 2)
    try write(two + plain[352...], "two.nii")
    _ = try refused(4, "two.nii")
  }

  @Test func voxelsThatNoNetworkShouldSee() throws {
    var volume = scan(.t2, subject: 5)
    volume.voxels[1234] = .nan
    try write(volume, "nan.nii.gz")
    #expect(try refused(4, "nan.nii.gz").contains("1 NaN"))
    volume.voxels = volume.voxels.map { _ in 3 }
    try write(volume, "flat.nii.gz")
    #expect(try refused(4, "flat.nii.gz").contains("constant"))
  }

  /// What changes the answer stands on the screen, not in the sidecar alone; with --quiet in the latter.
  @Test func whatIsOddIsSaidOnTheScreen() throws {
    func notes(_ names: String..., options: [String] = []) throws -> (lines: [String], sidecar: String) {
      let outcome = try aginet(
        [
          "synthesize", "--model", try Trained.model, "--t1", names[0], "--t2", names[1], "-o", "pd.nii.gz",
          "--force",
        ]
          + options)
      #expect(outcome.code == 0, "\(outcome.messages)")
      return (outcome.lines.filter { $0.hasPrefix("note: ") }, try scratch.text("pd.json"))
    }
    func patched(_ name: String, _ change: (inout Data) -> Void) throws {
      try write(scan(name == "u1.nii" ? .t1 : .t2, subject: 5), name)
      var data = try #require(contents(of: scratch(name)))
      change(&data)
      try write(data, name)
    }
    for name in ["u1.nii", "u2.nii"] {
      try patched(name) { $0.replaceSubrange(252..<256, with: [0, 0, 0, 0]) }
    }
    let unplaced = try notes("u1.nii", "u2.nii")
    #expect(unplaced.lines.count { $0.contains("left and right are a guess") } == 2, "\(unplaced.lines)")
    #expect(unplaced.sidecar.contains("left and right are a guess"))
    let quiet = try notes("u1.nii", "u2.nii", options: ["--quiet"])
    #expect(quiet.lines.isEmpty && quiet.sidecar == unplaced.sidecar)

    var volume = scan(.t2, subject: 5)
    volume.voxels = volume.voxels.map { $0 - 20 }
    try write(volume, "below.nii")
    #expect(
      try notes("t1.nii.gz", "below.nii").lines.contains {
        $0.contains("below.nii: ") && $0.contains("below 0")
      })

    try write(scan(.t1, subject: 5), "copy.nii")
    #expect(try notes("t1.nii.gz", "copy.nii").lines.contains { $0.contains("same scan as t1.nii.gz") })

    volume.voxels = volume.voxels.map { $0 == -20 ? 0 : $0 - 60 }
    try write(volume, "z.nii")
    for name in ["pd.nii.gz", "pd.json"] { try FileManager.default.removeItem(atPath: scratch(name)) }
    #expect(try refused(4, "z.nii").contains("below 0"))
  }

  @Test func filesAsArchivesLeaveThemAreRead() throws {
    let t2 = try #require(contents(of: scratch("t2.nii.gz")))
    try write(t2 + Data(repeating: 0, count: 700), "T2.NII.GZ")
    let outcome = try aginet(
      "synthesize", "--model", Trained.model, "--t1", "t1.nii.gz", "--t2", "T2.NII.GZ", "-o", "PD.NII.GZ")
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(scratch.files().filter { $0.hasPrefix("PD") } == ["PD.NII.GZ", "PD.json"])
  }

  @Test func gridsThatDisagree() throws {
    var volume = scan(.t2, subject: 5)
    volume.affine = Affine([-1, 0, 0, 14], [0, -1, 0, 19.2], [0, 0, 3, -9])
    try write(volume, "moved.nii.gz")
    #expect(try refused(5, "moved.nii.gz").contains("4.2 mm"))
    try write(scan(.t2, subject: 5, size: [28, 30, 5]), "short.nii.gz")
    #expect(try refused(5, "short.nii.gz").contains("28x30x5 voxels against 28x30x6"))
  }

  @Test func modalitiesTheModelDoesNotTake() throws {
    let model = ["synthesize", "--model", try Trained.model, "-o", "pd.nii.gz"]
    let both = ["--t1", "t1.nii.gz", "--t2", "t2.nii.gz"]
    #expect(try aginet.fails(5, model + both + ["--flair", "t2.nii.gz"]).contains("FLAIR"))
    #expect(try aginet.fails(5, model + ["--t1", "t1.nii.gz"]).contains("--t2 is missing"))
    #expect(try aginet.fails(5, model + ["--t1", "t1.nii.gz", "--t2", "t1.nii.gz"]).contains("T1 and as T2"))
    #expect(try aginet.fails(2, model).contains("--t1"))
    #expect(scratch.files() == ["t1.nii.gz", "t2.nii.gz"])
  }

  /// R11: nothing in a model file can run.
  @Test func modelsThatAreNone() throws {
    let files = ["--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o", "pd.nii.gz"]
    // The first bytes of a zip archive, as torch.save writes; and of an old pickle.
    try write(Data([0x50, 0x4B, 3, 4] + Array(repeating: 0, count: 600)), "zip.pth")
    #expect(try aginet.fails(9, ["synthesize", "--model", "zip.pth"] + files).contains("pickle"))
    try write(Data([0x80, 2, 0x7D, 0x71, 0, 0x2E] + Array(repeating: 0, count: 60)), "old.pth")
    try aginet.fails(9, ["synthesize", "--model", "old.pth"] + files)
    try aginet.fails(9, ["info", "old.pth"])
    try aginet.fails(9, ["synthesize", "--model", "t1.nii.gz"] + files)
    try aginet.fails(3, ["synthesize", "--model", "none.safetensors"] + files)
    try aginet.fails(3, ["synthesize", "--model", "."] + files)
    let checkpoint = try Trained.path("run/checkpoints/last.safetensors")
    #expect(try aginet.fails(9, ["synthesize", "--model", checkpoint] + files).contains("not a model"))
    let model = try #require(contents(of: Trained.model))
    try write(model.prefix(model.count - 1), "cut.safetensors")
    try aginet.fails(9, ["synthesize", "--model", "cut.safetensors"] + files)
    #expect(scratch.files() == ["cut.safetensors", "old.pth", "t1.nii.gz", "t2.nii.gz", "zip.pth"])
  }

  @Test func outputsThatCannotBe() throws {
    let start = [
      "synthesize", "--model", try Trained.model, "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o",
    ]
    #expect(try aginet.fails(6, start + ["no/such/pd.nii.gz"]).contains("no folder no/such"))
    #expect(try aginet.fails(6, start + ["t1.nii.gz/pd.nii.gz"]).contains("no folder"))
    // A folder that takes no file whoever asks is told before anything is computed: even before what is wrong with a scan.
    for words in [start, start.map { $0 == "t2.nii.gz" ? "none.nii.gz" : $0 }] {
      let line = try aginet.fails(6, words + ["/proc/pd.nii.gz"])
      #expect(line.contains("/proc/pd.nii.gz") && !line.contains("make it first"), "\(line)")
    }
    #expect(try aginet.fails(2, start + ["pd.png"]).contains(".nii.gz"))
    #expect(try aginet.fails(11, start + ["t1.nii.gz", "--force"]).contains("input"))
    try FileManager.default.createDirectory(atPath: scratch("d.nii"), withIntermediateDirectories: true)
    #expect(try aginet.fails(6, start + ["d.nii", "--force"]).contains("folder"))
    #expect(try aginet.fails(8, start + ["pd.nii", "--max-voxels", "100"]).contains("limit"))
    #expect(try aginet.fails(2, start + ["pd.nii", "--device", "gpu"]).contains("cuda"))
    #expect(try aginet.fails(2, start + ["pd.nii", "--batch", "0"]).contains("--batch 0"))
    #expect(try aginet.fails(2, start + ["pd.nii", "--steps", "5"]).contains("one pass"))
    #expect(scratch.files() == ["t1.nii.gz", "t2.nii.gz"])
  }
}
