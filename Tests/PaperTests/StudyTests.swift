import Cohorts
import Experiments
import Failures
import Imaging
import Networks
import Paper
import PipelineSupport
import Testing

/// The paper's tables and figures as definitions, apart from any training.
@Suite struct StudyTests {
  private let base = Experiment()
  private func study(_ name: String) throws -> Study { try Study(named: name, base: base) }

  @Test func theMethodsAreThoseOfThePaper() throws {
    for name in ["table1", "table2", "table3"] {
      let study = try study(name)
      #expect(
        study.rows.map { $0.experiments[0].method } == [
          "ddpm", "iddpm", "selfrdb", "pgan", "mmgan", "medsynth", "pix2pix", "pix2pix",
        ])
      #expect(
        study.rows.dropLast(2).allSatisfy { $0.experiments[0].network.name == NetworkCatalog.published })
      #expect(study.rows.suffix(2).map(\.title) == ["pixel2pixel", "Ours"])
      #expect(study.rows.suffix(2).map { $0.experiments[0].network.name } == ["resunet", "agi-net"])
      for row in study.rows {
        #expect(row.experiments.map(\.scenario) == study.conditions.map(\.scenario))
        #expect(Set(row.experiments.map(\.method)).count == 1)
      }
    }
  }

  @Test(arguments: [
    ("table1", ["(T2, PD) -> T1", "(T1, PD) -> T2", "(T1, T2) -> PD"]),
    ("table2", ["(T2, FLAIR) -> T1", "(T1, FLAIR) -> T2", "(T1, T2) -> FLAIR"]),
    (
      "table3",
      [
        "(T2, FLAIR, T1Gd) -> T1", "(T1, FLAIR, T1Gd) -> T2", "(T1, T2, T1Gd) -> FLAIR",
        "(T1, T2, FLAIR) -> T1Gd",
      ]
    ),
    ("table5", ["(T1, T2) -> PD"]), ("table7", ["(T1, T2) -> PD"]), ("table8", ["ResUnet", "AGI-Net"]),
    ("table9", ["(T1, T2) -> PD"]), ("figure5", ["(T1, T2) -> PD"]),
    ("figure3", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]),
    ("figure3b", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]),
  ])
  func theColumnsAreThoseOfThePaper(name: String, titles: [String]) throws {
    #expect(try study(name).conditions.map(\.title) == titles)
  }

  @Test func theAblationsAreInPix2pix() throws {
    let others = ["table1", "table2", "table3", "table4", "table8", "table10", "table10b"]
    for name in Study.names where !others.contains(name) {
      for row in try study(name).rows {
        #expect(row.experiments.allSatisfy { $0.method == "pix2pix" && $0.scenario == base.scenario })
      }
    }
  }

  @Test func theHalvesOfTheModule() throws {
    let rows = try study("table5").rows
    #expect(rows.map(\.title) == ["Standard", "+ GR", "+ GR + CA", "+ CA"])
    #expect(
      rows.map { $0.experiments[0].network.name } == [
        "resunet", "rolling-resunet", "agi-net", "attention-resunet",
      ])
    #expect(rows.map(\.standing) == [.published, .published, .published, .added])
  }

  @Test func convolutionsMeetTranslationInTestingAndInTraining() throws {
    let study = try study("table6")
    #expect(
      study.rows.filter { $0.standing == .published }.map(\.title) == [
        "Standard", "Deformable", "ARC", "CAGR",
      ])
    #expect(study.conditions.allSatisfy { $0.shift?.radius == 3 && $0.shift?.modality == .t2 })
    for row in study.rows {
      #expect(row.experiments.map(\.perturbation.radius) == [0, 3])
      #expect(row.experiments[1].perturbation.modality == .t2)
    }
  }

  @Test func groupsAndStages() throws {
    let groups = try study("table7")
    #expect(
      groups.rows.map { $0.experiments[0].network.name } == ["resunet"]
        + Array(repeating: "agi-net", count: 4))
    #expect(groups.rows.dropFirst().map { $0.experiments[0].network.groups } == [2, 4, 8, 16])
    let stages = try study("table9")
    #expect(stages.rows.count == 8 && stages.rows[0].experiments[0].network.name == "resunet")
    for (count, row) in stages.rows.enumerated().dropFirst() {
      #expect(row.experiments[0].network.stages == Array(Stage.allCases.prefix(count)))
      #expect(row.experiments[0].network.name == "agi-net")
    }
    // Five stages are AGI-Net, eight groups are its default: one run for all tables.
    #expect(stages.rows[5].experiments == groups.rows[3].experiments)
    #expect(try stages.rows[5].experiments == study("table5").rows[2].experiments)
  }

  @Test func everyMethodMeetsBothBackbones() throws {
    let rows = try study("table8").rows
    #expect(rows.count == 7)
    #expect(rows.allSatisfy { $0.experiments.map(\.network.name) == ["resunet", "agi-net"] })
    #expect(Set(rows.map { $0.experiments[0].method }).count == 7)
  }

  @Test func theCurveUsesOneRunANetwork() throws {
    let study = try study("figure3")
    #expect(study.conditions.map { $0.shift?.radius ?? 0 } == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    #expect(study.conditions[0].shift == nil)
    #expect(study.rows.filter { $0.standing == .published }.map(\.title) == ["ResUnet", "AGI-Net"])
    for row in study.rows { #expect(row.experiments.allSatisfy { $0 == row.experiments[0] }) }
  }

  /// Trained under translations, the curve says so, and its runs are Table 6's.
  @Test func theCurveTellsHowItsNetworksWereTrained() throws {
    #expect(try study("figure3").caption.contains("trained on images as they are"))
    let study = try study("figure3b")
    #expect(study.caption.contains("trained on images translated at random by up to 3 pixels"))
    #expect(try study.conditions == self.study("figure3").conditions)
    let translated = Set(try self.study("table6").rows.map { try $0.experiments[1].json })
    #expect(try study.rows.allSatisfy { try $0.experiments.allSatisfy { translated.contains(try $0.json) } })
  }

  // MARK: - Tumours and volumes

  @Test func tumoursAreFoundWithEverySynthesisOfTable3() throws {
    let study = try study("table4")
    #expect(study.conditions.map(\.title) == ["(T1, T2, FLAIR) -> T1Gd"])
    #expect(
      study.rows.map(\.title) == [
        "Real", "Zero", "DDPM", "IDDPM", "SelfRDB", "pGAN without VGG", "mmGAN", "MedSynth", "pixel2pixel",
        "Ours",
        "Copy of T1",
      ])
    let made = study.rows.filter { $0.input == .synthesised }
    let table3 = try self.study("table3")
    let column = try #require(table3.conditions.firstIndex { $0.scenario == study.conditions[0].scenario })
    // The same experiments are the same runs.
    #expect(made.map { $0.experiments[0] } == table3.rows.map { $0.experiments[column] })
    #expect(study.rows.allSatisfy { $0.experiments.isEmpty == ($0.input != .synthesised) })
    let segmentation = try #require(study.segmentation)
    #expect(segmentation.method == "segmentation" && segmentation.region == .slice)
    #expect(segmentation.scenario == Scenario(labelling: [.t1, .t1gd, .t2, .flair]))
    #expect(
      segmentation.network.width == base.network.width && segmentation.learningRate == base.learningRate)
    #expect(study.experiments.count == 9 && study.experiments[0] == segmentation)
    #expect(study.modalities == [.t1, .t2, .flair, .t1gd])
  }

  @Test func volumesAreTrainedOnPatches() throws {
    let study = try study("table10")
    #expect(study.conditions.map(\.title) == ["(T1, T2, FLAIR) -> T1Gd"] && study.conditions[0].isWhole)
    #expect(
      study.rows.map(\.title) == ["mmGAN", "pGAN without VGG", "MedSynth", "pixel2pixel", "Ours"])
    #expect(study.experiments.allSatisfy { $0.region == .patch(Extent(96, 96, 96)) })
    #expect(study.experiments.suffix(2).map(\.network.name) == ["resunet", "agi-net"])
    let added = try self.study("table10b")
    #expect(added.rows.map(\.title) == ["Slices", "Slabs of 3", "Patches"])
    #expect(added.experiments.map(\.region) == [.slice, .slab(3), .patch(Extent(96, 96, 96))])
    #expect(added.experiments[2] == study.experiments[4])
    // Slices are those of Table 3.
    let ours = try #require(try self.study("table3").rows.last?.experiments)
    #expect(ours.contains(added.experiments[0]))
  }

  @Test func patchesAreForVolumesAndSlabsForWhatIsOfSlices() throws {
    var patches = base
    patches.region = .patch(Extent(32, 64, 64))
    for name in Study.names {
      let study = try Study(named: name, base: patches)
      let isOfVolumes = ["table10", "table10b"].contains(name)
      #expect(study.experiments.contains { $0.region == patches.region } == isOfVolumes, "\(name)")
      if !isOfVolumes { #expect(study.experiments.allSatisfy { $0.region == .slice }, "\(name)") }
    }
    var slabs = base
    slabs.region = .slab(5)
    #expect(try Study(named: "table10b", base: slabs).rows[1].title == "Slabs of 5")
    #expect(try Study(named: "table5", base: slabs).experiments.allSatisfy { $0.region == .slab(5) })
    #expect(try Study(named: "table10", base: slabs).experiments.allSatisfy { $0.region.dimensions == 3 })
    #expect(try Study(named: "table4", base: slabs).segmentation?.region == .slice)
  }

  @Test func anotherScenarioMayBeAblated() throws {
    var base = base
    base.scenario = Scenario(sources: [.t1, .flair], target: .t1gd)
    let study = try Study(named: "table6", base: base)
    #expect(study.modalities == [.t1, .flair, .t1gd])
    #expect(study.conditions[0].shift?.modality == .flair)
    #expect(study.rows[0].experiments[1].perturbation.modality == .flair)
  }

  @Test func whatIsNotThereIsRefused() throws {
    #expect(Study.names.prefix(10) == (1...10).map { "table\($0)" }[...])
    let failure = try failure { _ = try study("table11") }
    #expect(
      failure.kind == .usage && failure.message.contains("table1, table2") && failure.message.contains("all"))
    for name in Study.names { #expect(try study(name).name == name) }
  }
}
