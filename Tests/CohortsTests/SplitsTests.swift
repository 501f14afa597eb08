import Cohorts
import Failures
import Testing

@Suite struct SplitsTests {
  @Test func publishedSizes() {
    #expect(Split.allCases.map { Splits.ixi[$0].count } == [500, 37, 40])
    #expect(Split.allCases.map { Splits.brats2023[$0].count } == [500, 40, 40])
    for splits in [Splits.ixi, .brats2023] { #expect(Set(splits.all).count == splits.all.count) }
  }

  /// The site mix of the published split, train / validation / test.
  @Test(arguments: [("Guys", [275, 19, 25]), ("HH", [160, 15, 10]), ("IOP", [65, 3, 5])])
  func sitesOfIXI(site: String, counts: [Int]) {
    #expect(Split.allCases.map { Splits.ixi[$0].count { $0.contains("-\(site)-") } } == counts)
  }

  @Test func fivePatientsStraddleBraTSAsPublished() {
    let straddling = Splits.brats2023.straddling(BraTSCohort.patient(of:))
    #expect(straddling == ["00095", "00520", "00548", "00608", "00774"].map { "BraTS-GLI-" + $0 })
    #expect(Splits.ixi.straddling { $0 }.isEmpty)
  }

  @Test func patientDisjointMovesOnlyTheStraddlingScans() {
    let published = Splits.brats2023
    let disjoint = published.patientDisjoint(BraTSCohort.patient(of:))
    #expect(disjoint.straddling(BraTSCohort.patient(of:)).isEmpty)
    #expect(Split.allCases.map { disjoint[$0].count } == [495, 43, 42])
    #expect(disjoint.all.sorted() == published.all.sorted())
    #expect(Set(disjoint.test).isSuperset(of: published.test))
    #expect(disjoint.test.contains("BraTS-GLI-00095-000") && disjoint.test.contains("BraTS-GLI-00774-001"))
  }

  @Test func seededSplitDependsOnNamesAndSeedAlone() throws {
    let names = (1...40).map { "sub-\($0)" }
    let one = try Splits.seeded(names, seed: 7) { $0 }
    #expect(try Splits.seeded(names.reversed(), seed: 7) { $0 } == one)
    #expect(try Splits.seeded(names, seed: 8) { $0 } != one)
    #expect(Split.allCases.map { one[$0].count } == [28, 6, 6])
    #expect(one.all.sorted() == names.sorted())
  }

  @Test func seededSplitKeepsAPatientsVisitsTogether() throws {
    let visits = (1...9).flatMap { ["sub-\($0)_ses-1", "sub-\($0)_ses-2"] }
    let patient = { (id: String) in String(id.prefix { $0 != "_" }) }
    #expect(try Splits.seeded(visits, seed: 1, patient: patient).straddling(patient).isEmpty)
  }

  @Test func seededSplitNeedsThreePatients() throws {
    #expect(try failure { _ = try Splits.seeded(["a", "b"], seed: 1) { $0 } }.kind == .inconsistent)
    #expect(try Splits.seeded(["a", "b", "c"], seed: 1) { $0 }.all.count == 3)
  }

  @Test func readsAUsersFile() throws {
    let scratch = try Scratch()
    let path = try scratch.write(#"{"train": ["a", "b"], "test": ["c"]}"#, to: "s.json")
    #expect(try Splits(file: path) == Splits(train: ["a", "b"], test: ["c"]))
    let tested = try scratch.write(#"{"train": [], "test": ["c"]}"#, to: "t.json")
    #expect(try Splits(file: tested) == Splits(train: [], test: ["c"]))
  }

  @Test(arguments: [
    (#"{"train": ["a", "b", "a"]}"#, Failure.Kind.inconsistent, "more than once: a"),
    (#"{"train": ["a"], "test": ["a"]}"#, .inconsistent, "more than once: a"),
    (#"{"train": [], "test": []}"#, .inconsistent, "no subject"),
    ("{}", .inconsistent, "no subject"),
    (#"{"train": ["a"], "val": ["b"]}"#, .malformed, ":1:18: unknown key val"),
    (#"{"train": "a"}"#, .malformed, ":1:2: train must be a list"),
    (#"{"train": [1]}"#, .malformed, ":1:2: train.element 1 must be text"),
    (#"["a"]"#, .malformed, "JSON object"),
    ("nonsense", .malformed, ":1:2: a value"),
    (#"{"train": ["a"], "train": ["b"]}"#, .malformed, "occurs twice"),
  ])
  func refusesABadFile(text: String, kind: Failure.Kind, says: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(text, to: "s.json")
    let failure = try failure { _ = try Splits(file: path) }
    #expect(failure.kind == kind)
    #expect(failure.message.hasPrefix(path) && failure.message.contains(says))
  }

  @Test func refusesAMissingFileAndAFolder() throws {
    let scratch = try Scratch()
    #expect(try failure { _ = try Splits(file: scratch.path + "/none.json") }.kind == .notFound)
    #expect(try failure { _ = try Splits(file: scratch.path) }.kind == .notFound)
  }

  @Test func namesSubjectsTheCohortDoesNotHave() throws {
    let splits = Splits(train: ["sub-01"], test: ["sub-99"])
    let failure = try failure { try splits.check(against: ["sub-01", "sub-02"], file: "s.json") }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("sub-99") && !failure.message.contains("sub-02"))
  }
}
