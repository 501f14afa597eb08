import Cohorts
import Failures
import Foundation
import Imaging
import Testing

@Suite struct PreparedCohortTests {
  @Test func batchesComeInSubjectAndSliceOrder() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let batches = try store.batches(in: .train, scenario: scenario, batchSize: 4)
    let all = try batches.all()
    #expect(batches.count == 3 && all.map(\.count) == [4, 4, 2])
    #expect(all.flatMap(\.references) == (try store.slices(in: .train)))
    #expect(all.flatMap(\.references).map(\.slice) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    let second = all[1]
    let pixels = second.extent.count
    let (sources, target) = (second.stacked([.t1, .t2]), second.target(.flair))
    for (row, reference) in second.references.enumerated() {
      let first = row * 2 * pixels
      #expect(Array(sources[first..<first + pixels]) == (try store.slice(.t1, at: reference)))
      #expect(
        Array(sources[first + pixels..<first + 2 * pixels]) == (try store.slice(.t2, at: reference)))
      #expect(
        Array(target[row * pixels..<(row + 1) * pixels]) == (try store.slice(.flair, at: reference)))
    }
  }

  @Test func scenariosThatCannotBeServed() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let missing = try failure { try store.check(Scenario(sources: [.t1, .pd], target: .t2)) }
    #expect(missing.kind == .inconsistent && missing.message.contains("no PD"))
    #expect(missing.message.contains("T1, T2, FLAIR"))
    #expect(try failure { try store.check(Scenario(sources: [.t1], target: .t1gd)) }.kind == .inconsistent)
    #expect(try failure { try store.check(Scenario(sources: [], target: .t1)) }.kind == .usage)
    #expect(try failure { try store.check(Scenario(sources: [.t1, .t1], target: .t2)) }.kind == .usage)
    #expect(try failure { try store.check(Scenario(sources: [.t1, .t2], target: .t2)) }.kind == .usage)
  }

  @Test func anEmptySplitIsNamed() throws {
    let scratch = try Scratch()
    let path = try scratch.write(#"{"train": ["sub-01"]}"#, to: "one.json")
    let store = try makeStore(scratch) { $0.splits = .file(path) }
    let failure = try failure { _ = try store.batches(in: .test, scenario: scenario, batchSize: 1) }
    #expect(failure.kind == .inconsistent && failure.message.contains("test"))
  }

  @Test func aSliceThatIsNotThere() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    for reference in [
      SampleReference(subject: "sub-01", slice: 0), SampleReference(subject: "sub-09", slice: 2),
    ] { #expect(try failure { _ = try store.slice(.t1, at: reference) }.kind == .inconsistent) }
  }

  // MARK: - Folders that are no store

  @Test func notAFolderOrNotAStore() throws {
    let scratch = try Scratch()
    #expect(try failure { _ = try PreparedCohort(folder: scratch.path + "/none") }.kind == .notFound)
    let file = try scratch.write("x", to: "file")
    #expect(try failure { _ = try PreparedCohort(folder: file) }.kind == .malformed)
    let failure = try failure { _ = try PreparedCohort(folder: scratch.path) }
    #expect(failure.kind == .malformed && failure.message.contains("\(Term.preparation)"))
  }

  @Test(arguments: [
    ("\"version\" : 3", "\"version\" : 4", "version 4"),
    ("\"aginet prepared cohort\"", "\"something else\"", "not the manifest"),
    ("\"height\" : 16", "\"height\" : 0", "impossible"),
    ("\"height\" : 16", "\"height\" : 24", "offset"),
    ("\"dimensions\" : [", "\"dimensions\" : [10, 12, 7], \"old\" : [", "bytes where"),
    ("\"signal\" : [", "\"signal\" : [[0, 6], [0, 11], [0, 9]], \"old\" : [", "lies outside"),
    ("\"signal\" : [", "\"signal\" : [], \"old\" : [", "lies outside"),
    ("\"height\" : 16", "\"height\" : 9223372036854775807", "impossible"),
    ("\"width\" : 16", "\"breadth\" : 16", "width"),
    ("\"id\" : \"sub-01\"", "\"id\" : \"../sub-01\"", "no subject identifier"),
    ("\"id\" : \"sub-01\"", "\"id\" : \"sub-02\"", "twice"),
    ("\"id\" : \"sub-01\"", "\"id\" : \"sub-11\"", "missing"),
    ("\"flair\"", "\"ct\"", "damaged"),
    ("\"id\" : \"sub-01\"", "\"id\" : \"sub-01/../../x\"", "no subject identifier"),
    ("\"id\" : \"sub-01\"", "\"id\" : \"\"", "no subject identifier"),
    ("\"orientation\" : \"LPS\"", "\"orientation\" : \"LLL\"", "orientation"),
    ("\"modalities\" : [", "\"modalities\" : [\"t1\",", "repeats"),
    ("\"modalities\" : [", "\"modalities\" : [], \"old\" : [", "empty"),
    ("\"offset\" : [", "\"offset\" : [7, ", "offset"),
    ("\"offset\" : [", "\"offset\" : [-1099511627776, 2], \"old\" : [", "offset"),
    ("\"offset\" : [", "\"offset\" : [9223372036854775807, 2], \"old\" : [", "offset"),
    ("\"spacing\" : [", "\"spacing\" : [1, 1], \"old\" : [", "mm is impossible"),
    ("\"spacing\" : [", "\"spacing\" : [1, 0, 1], \"old\" : [", "mm is impossible"),
    ("\"spacing\" : [", "\"spacing\" : [1, -1, 1], \"old\" : [", "mm is impossible"),
    ("\"spacing\" : [", "\"spacing\" : [1, 1e300, 1], \"old\" : [", "mm is impossible"),
    ("\"spacing\" : [", "\"spacing\" : [1, 1e999, 1], \"old\" : [", "not the manifest"),
    ("\"spacing\" : [", "\"spacing\" : [1, NaN, 1], \"old\" : [", "not the manifest"),
    ("\"dimensions\" : [", "\"dimensions\" : [10, 12], \"old\" : [", "voxels is impossible"),
    ("\"dimensions\" : [", "\"dimensions\" : [10, 12, 1099511627776], \"old\" : [", "voxels is impossible"),
    ("\"dimensions\" : [", "\"dimensions\" : [10, -12, 6], \"old\" : [", "voxels is impossible"),
    ("\"slices\" : [", "\"slices\" : [1099511627776], \"old\" : [", "ascending list"),
    ("\"slices\" : [", "\"slices\" : [], \"old\" : [", "ascending list"),
    ("\"slices\" : [", "\"slices\" : [-1, 1, 2], \"old\" : [", "ascending list"),
    ("\"slices\" : [", "\"slices\" : [3, 2, 1], \"old\" : [", "ascending list"),
    ("\"slices\" : [", "\"slices\" : [1, 1, 2], \"old\" : [", "ascending list"),
    ("\"scale\" : 100", "\"scale\" : 0", "numbers of its"),
    ("\"scale\" : 100", "\"scale\" : -1", "numbers of its"),
    ("\"scans\" : [", "\"scans\" : [], \"old\" : [", "scans are not those"),
    ("\"sliceRule\" : \"all\"", "\"sliceRule\" : \"central:99999999999\"", "damaged"),
  ])
  func aManifestThatCannotBeTrue(original: String, changed: String, says: String) throws {
    let scratch = try Scratch()
    let path = try makeStore(scratch).folder + "/cohort.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let range = try #require(text.range(of: original))
    try text.replacingCharacters(in: range, with: changed).write(
      toFile: path, atomically: true, encoding: .utf8)
    let failure = try failure { _ = try PreparedCohort(folder: scratch.path + "/store") }
    #expect(failure.kind == .malformed && failure.message.contains(says), "\(failure)")
  }

  @Test(arguments: [-2, 2])
  func slicesOfTheWrongLength(change: Int) throws {
    let scratch = try Scratch()
    let path = try makeStore(scratch).folder + "/subjects/sub-02.slices"
    let data = try #require(FileManager.default.contents(atPath: path))
    let spoiled = change < 0 ? data.dropLast(-change) : data + Data(count: change)
    try spoiled.write(to: URL(fileURLWithPath: path))
    let failure = try failure { _ = try PreparedCohort(folder: scratch.path + "/store") }
    #expect(failure.kind == .malformed && failure.message.contains("sub-02.slices"))
  }
}
