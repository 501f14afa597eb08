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
  ])
  func theColumnsAreThoseOfThePaper(name: String, titles: [String]) throws {
    #expect(try study(name).conditions.map(\.title) == titles)
  }

  @Test func theAblationsAreInPix2pix() throws {
    for name in Study.names where !["table1", "table2", "table3", "table8"].contains(name) {
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

  @Test func anotherScenarioMayBeAblated() throws {
    var base = base
    base.scenario = Scenario(sources: [.t1, .flair], target: .t1gd)
    let study = try Study(named: "table6", base: base)
    #expect(study.modalities == [.t1, .flair, .t1gd])
    #expect(study.conditions[0].shift?.modality == .flair)
    #expect(study.rows[0].experiments[1].perturbation.modality == .flair)
  }

  @Test func whatIsNotThereIsRefused() throws {
    for name in ["table4", "table10"] {
      let failure = try failure { _ = try study(name) }
      #expect(failure.kind == .usage && failure.message.contains("not available in this version"))
      #expect(failure.message.hasPrefix(name))
    }
    let failure = try failure { _ = try study("table11") }
    #expect(
      failure.kind == .usage && failure.message.contains("table1, table2") && failure.message.contains("all"))
    for name in Study.names { #expect(try study(name).name == name) }
  }
}
