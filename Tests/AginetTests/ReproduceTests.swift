import Cohorts
import Foundation
import Imaging
import PipelineSupport
import Testing

/// `aginet reproduce` as its user meets it.
@Suite struct ReproduceTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private func arguments(_ studies: String..., width: Int = 4) throws -> [String] {
    ["reproduce"] + studies + [
      "--data", try Trained.cohort, "-o", "out", "--iterations", "2", "--width", "\(width)", "--groups", "4",
      "--batch",
      "2", "--threads", "1",
    ]
  }

  @Test func aTableIsWrittenOnce() throws {
    let first = try aginet(arguments("table5", "figure3"))
    #expect(first.code == 0, "\(first.messages)")
    #expect(first.output.contains("| + GR + CA ") && first.output.hasSuffix("out/index.html\n"))
    #expect(first.messages.contains("4 runs, of which 0 are there"))
    let files = scratch.files(in: "out")
    #expect(files.contains("table5.tex") && files.contains("figure3.svg"))
    let table = contents(of: scratch("out/table5.json"))

    let second = try aginet(arguments("table5"))
    #expect(second.code == 0 && second.messages.contains("4 runs, of which 4 are there"))
    #expect(!second.messages.contains("training slices"))
    #expect(contents(of: scratch("out/table5.json")) == table)
    // What an earlier call made stays on the page.
    let page = try scratch.text("out/index.html")
    #expect(page.contains("id=\"figure3\"") && page.contains("id=\"table5\""))

    let plan = try aginet(arguments("table9") + ["--dry-run"])
    #expect(plan.code == 0 && plan.output.split(separator: "\n").count { $0.hasSuffix("  done") } == 2)
    #expect(plan.output.split(separator: "\n").count { $0.hasSuffix("  to train") } == 6)
  }

  /// Figure 3b is of the networks that Table 6 trains under translations, whatever the scenario's sources, and leaves Figure 3 alone.
  @Test func theCurveOfNetworksTrainedUnderTranslations() throws {
    let plan = try aginet(
      arguments("figure3b") + [
        "--dry-run", "--set", "scenario.sources=[\"pd\",\"t1\"]", "--set", "scenario.target=t2",
      ])
    #expect(plan.code == 0, "\(plan.messages)")
    let runs = plan.output.split(separator: "\n")
    #expect(runs.count == 2 && runs.allSatisfy { $0.contains("-pd+t1-t2-shift3.0-") }, "\(plan.output)")
    #expect(try aginet(arguments("figure3")).code == 0)
    let before = contents(of: scratch("out/figure3.json"))
    let shown = try aginet(arguments("figure3b"))
    #expect(shown.code == 0, "\(shown.messages)")
    let page = try scratch.text("out/index.html")
    #expect(page.contains("trained on images translated at random by up to 3 pixels"))
    #expect(
      page.contains("trained on images as they are") && contents(of: scratch("out/figure3.json")) == before)
    #expect(contents(of: scratch("out/figure3b.csv")) != contents(of: scratch("out/figure3.csv")))
    #expect(
      try aginet.fails(2, arguments("figure3") + ["--set", "perturbation.radius=3"]).contains(
        "decided by the tables"))
  }

  @Test func tumoursAndVolumesArePlanned() throws {
    try makeTumours(scratch("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    _ = try prepared(scratch)
    let plan = try aginet(
      [
        "reproduce", "table4", "table10", "table10b", "--data", "cohort", "-o", "out", "--iterations", "2",
        "--width", "4", "--groups", "2", "--batch", "2", "--region", "patch:40x40x40", "--dry-run",
      ])
    #expect(plan.code == 0, "\(plan.messages)")
    let runs = plan.output.split(separator: "\n")
    #expect(runs.allSatisfy { $0.hasSuffix("  to train") })
    #expect(runs.contains { $0.hasPrefix("segmentation-published-t1+t1gd+t2+flair-labels-w4-seed1-") })
    // Patches of the added table are those of AGI-Net in Table 10, and its slices those of Table 4.
    #expect(runs.count { $0.contains("-patch40x40x40-") } == 5 && runs.count { $0.contains("-slab3-") } == 1)
    #expect(runs.count { $0.hasPrefix("pix2pix-agi-net-t1+t2+flair-t1gd-") } == 3)
    #expect(!scratch.files().contains { $0.hasPrefix("out/") })
  }

  /// What an earlier call trained on patches stays on the page of a later one that is of slices.
  @Test func volumesStayOnThePage() throws {
    try makeTumours(scratch("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    _ = try prepared(scratch)
    func call(_ study: String, _ others: String...) throws {
      let outcome = try aginet(
        [
          "reproduce", study, "--data", "cohort", "-o", "out", "--iterations", "1", "--width", "4",
          "--groups",
          "2", "--batch", "1", "--slices", "5", "--threads", "1", "--set", "pix2pix.weightAdversarial=0",
          "--set", "scenario.target=flair",
        ] + others)
      #expect(outcome.code == 0, "\(outcome.messages)")
    }
    func page() throws -> String { try scratch.text("out/index.html") }
    try call("table10b", "--region", "patch:8x16x16")
    let table = contents(of: scratch("out/table10b.json"))
    #expect(try page().contains("slices; slabs of 3 slices; patches of 8 x 16 x 16"))
    try call("figure5")
    let both = try page()
    #expect(both.contains("id=\"table10b\"") && both.contains("id=\"figure5\""))
    #expect(both.contains("5 slices of the test split, spread evenly; whole subjects in table10b"))
    #expect(contents(of: scratch("out/table10b.json")) == table)
  }

  @Test func whatCannotBeHadIsRefusedBeforeTraining() throws {
    #expect(try aginet.fails(5, arguments("table4")).contains("table4 needs T1, T2, FLAIR, T1Gd"))
    #expect(try aginet.fails(5, arguments("table10")).contains("table10 needs T1, T2, FLAIR, T1Gd"))
    #expect(
      try aginet.fails(2, arguments("table5") + ["--region", "patch:8x16x16"]).contains(
        "table10 and table10b")
    )
    for region in ["slab:3", "slice"] {
      #expect(
        try aginet.fails(2, arguments("table10") + ["--region", region]).contains(
          "table10 trains on patches alone"))
    }
    #expect(try aginet.fails(2, arguments("table11")).contains("known are"))
    #expect(try aginet.fails(5, arguments("table2")).contains("FLAIR"))
    #expect(try aginet.fails(5, arguments("table5", "table3")).contains("table3"))
    #expect(try aginet.fails(2, arguments("table7", width: 8)).contains("16 groups do not divide 8 channels"))
    #expect(
      try aginet.fails(2, arguments("table5") + ["--set", "network=resunet"]).contains(
        "decided by the tables"))
    #expect(try aginet.fails(2, arguments("table5") + ["--seeds", "0"]).contains("--seeds"))
    #expect(try aginet.fails(2, arguments("table5") + ["--slices", "0"]).contains("--slices"))
    #expect(try aginet.fails(2, arguments("table5") + ["--set", "widht=1"]).contains("known are"))
    #expect(try aginet.fails(3, ["reproduce", "table5", "--data", "none", "-o", "out"]).contains("prepare"))
    #expect(scratch.files().isEmpty)
  }

  /// A call that is stopped has saved, and the next one goes on.
  @Test func aStoppedCallGoesOn() throws {
    var long = try arguments("figure5")
    long[long.firstIndex(of: "2") ?? 0] = "100000"
    let running = try aginet.start(long)
    #expect(waits { scratch.files(in: "out").contains { $0.hasSuffix("log.csv") } })
    running.signal(SIGINT)
    let outcome = running.wait()
    #expect(
      outcome.code == 130 && outcome.messages.contains("the same command goes on"), "\(outcome.messages)")
    #expect(scratch.files(in: "out").contains { $0.hasSuffix("last.safetensors") })
    let plan = try aginet(long + ["--dry-run"])
    #expect(plan.output.contains("at iteration "), "\(plan.output)")
  }
}
