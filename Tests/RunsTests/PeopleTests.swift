import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Metrics
import PipelineSupport
import Runs
import Testing

@Suite struct PeopleTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func people(_ modalities: [Modality] = [.t1, .t2, .pd]) throws -> any Cohort {
    try makeBIDS(scratch("bids"), subjects: 2, modalities: modalities)
    return try CohortLayout.named("bids").open(scratch("bids"))
  }

  @Test func tasksAreReadAsTheyAreWritten() throws {
    #expect(try PersonTask("t1,t2>flair").description == "t1,t2>flair")
    #expect(try PersonTask("all>T1ce").description == "all>t1gd")
    for wrong in ["t1", "t1>t1", "t1,x>t2", "t1>y", "t1>t2>flair", ">t1", "t1,t1>t2"] {
      #expect(try failure { _ = try PersonTask(wrong) }.kind == .usage, "\(wrong)")
    }
  }

  @Test func baselinesOfEveryoneAreMeasured() throws {
    var options = PeopleAssessment.Options()
    options.tasks = try ["all>pd", "t1>t2", "t1,t2>pd", "flair>t1"].map { try PersonTask($0) }
    let assessment = try PeopleAssessment(of: [], on: [people()], options)
    // Twice the same task is one, and nobody has a FLAIR.
    let methods = ["Copy", "Scaled copy", "Ceiling: affine copy", "Ceiling: own look-up"]
    #expect(assessment.rows.count == 2 * 2 * methods.count && assessment.failures.isEmpty)
    for (person, scenario) in Set(assessment.rows.map { [$0.person, $0.scenario.description] }).map({
      ($0[0], $0[1])
    }) {
      let own = assessment.rows.filter { $0.person == person && $0.scenario.description == scenario }
      #expect(own.map(\.method) == methods)
      let figures = own.compactMap { $0.values[.brain] }
      #expect(figures.count == 4)
      // PD is a power of the others: what is fitted to it by tables is nearest, a line is nearer than a copy.
      #expect(figures[3] > figures[2] && figures[2] >= max(figures[0], figures[1]))
      #expect(own.allSatisfy { $0.isStripped && $0.reliability == nil })
    }

    try assessment.write(to: scratch("out"))
    #expect(scratch.files(in: "out") == ["people.csv", "people.md", "summary.json"])
    // The best of those that never saw the target is marked, however much nearer a ceiling is.
    let rows = try scratch.text("out/people.md").split(separator: "\n")
    #expect(rows.contains { $0.hasPrefix("| Ceiling: own look-up") })
    #expect(rows.allSatisfy { !$0.hasPrefix("| Ceiling:") || !$0.contains("**") })
    #expect(rows.contains { $0.hasPrefix("| Scaled copy") && $0.contains("**") })
    let lines = try #require(contents(of: scratch("out/people.csv"))).split(separator: 10)
    #expect(lines.count == 1 + assessment.rows.count)
    #expect(PeopleAssessment.exists(in: scratch("out")))
  }

  /// A copy is scored as the files have it.
  @Test func aCopyIsTheSourceByItsOwnScale() throws {
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    options.limit = 1
    let rows = try PeopleAssessment(of: [], on: [people()], options).rows
    let volumes = try [Modality.t1, .t2].map {
      try NIfTI.read(path: bidsPath(scratch("bids"), 1, $0)).volume.reoriented(to: .lps)
    }
    let brain = volumes[0].voxels.indices.map { volumes[0].voxels[$0] > 0 }
    let regions = PersonRegions(grid: VoxelGrid(volumes[0].grid), brain: brain)
    let expected = try #require(PersonScorer(regions)(volumes[0].voxels, volumes[1].voxels))
    let copy = try #require(rows.first { $0.method == "Scaled copy" })
    for measure in [PersonMeasure.brain, .correlation, .sharpness, .gradientCorrelation] {
      #expect(abs(try #require(copy.values[measure]) - (try #require(expected[measure]))) < 1e-4)
    }
  }

  @Test func lesionsAreFoundInDerivatives() throws {
    _ = try people()
    for subject in 1...2 {
      var mask = scan(.t1, subject: subject)
      for index in mask.voxels.indices {
        let (line, i) = index.quotientAndRemainder(dividingBy: scanSize.x)
        let (k, j) = line.quotientAndRemainder(dividingBy: scanSize.y)
        mask.voxels[index] = (12..<16).contains(i) && (13..<17).contains(j) && (2..<4).contains(k) ? 1 : 0
      }
      let folder = scratch("bids/derivatives/lesions/sub-0\(subject)/anat")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try NIfTI.write(mask, to: "\(folder)/sub-0\(subject)_label-lesion_mask.nii.gz")
      mask.voxels = mask.voxels.indices.map { Float(1 + $0 % 149) }
      try NIfTI.write(mask, to: "\(folder)/sub-0\(subject)_desc-dlmuse_dseg.nii.gz")
    }
    let cohort = try CohortLayout.named("bids").open(scratch("bids"))
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    let rows = try PeopleAssessment(of: [], on: [cohort], options).rows
    #expect(rows.allSatisfy { abs(($0.millilitres ?? 0) - 4 * 4 * 2 * 0.003) < 1e-9 })
    #expect(rows.allSatisfy { $0.values[.lesionError] != nil && $0.values[.lesionContrast] != nil })

    // Pictures show where the lesions are, and not the middle: the same voxels by whatever factor.
    var pictures: [PersonPicture] = []
    _ = try PeopleAssessment(
      of: [(name: "any", model: Trained.anySubset())], on: [cohort], options,
      picturing: { pictures.append($0) })
    let volume = try NIfTI.read(path: bidsPath(scratch("bids"), 1, .t2)).volume.reoriented(to: .lps)
    let size = volume.dimensions.x * volume.dimensions.y
    func sorted(_ values: [Float]) -> [Float] {
      let (positive, most) = (values.filter { $0 > 0 }, values.max() ?? 1)
      return positive.map { $0 / most }.sorted()
    }
    let shown = sorted(try #require(pictures.first).acquired)
    let planes = (0..<volume.dimensions.z).filter { plane in
      let values = sorted(Array(volume.voxels[plane * size..<(plane + 1) * size]))
      return values.count == shown.count && zip(values, shown).allSatisfy { abs($0 - $1) < 1e-5 }
    }
    #expect(planes == [2])

    // Where one person has no lesions marked, means over lesions say of how many they are.
    #expect(!PeopleTests.caption(of: try PeopleAssessment(of: [], on: [cohort], options)).contains("alone"))
    try FileManager.default.removeItem(atPath: scratch("bids/derivatives/lesions/sub-02"))
    let fewer = try CohortLayout.named("bids").open(scratch("bids"))
    let caption = PeopleTests.caption(of: try PeopleAssessment(of: [], on: [fewer], options))
    #expect(
      caption.contains("over 2 people")
        && caption.contains(
          "Of 1 of them alone, whose figure exists and is finite: Lesion (dB over brain's mean), Lesion contrast."
        ))
  }

  private static func caption(of assessment: PeopleAssessment) -> String {
    assessment.scenarios.first.map { assessment.means($0).caption } ?? ""
  }

  /// Whoever stops the work keeps what was measured until then.
  @Test func whatWasMeasuredIsThereWhereTheWorkIsStopped() throws {
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    var asked = 0
    let assessment = try PeopleAssessment(
      of: [], on: [people()], options,
      shouldStop: {
        asked += 1
        return asked > 1 ? .interrupted : nil
      })
    #expect(assessment.stop == .interrupted && assessment.unbegun == 1 && assessment.failures.isEmpty)
    #expect(Set(assessment.rows.map(\.person)) == ["sub-01"])
    try assessment.write(to: scratch("out"))
    #expect(try scratch.text("out/people.md").contains("Stopped before 1 person had been looked at."))
    #expect(try scratch.text("out/summary.json").contains("\"unbegun\" : 1"))
  }

  @Test func aModelServesItsOwnTask() throws {
    var options = PeopleAssessment.Options()
    options.tasks = try ["t1,t2>pd", "t1>t2"].map { try PersonTask($0) }
    options.baselines = false
    let model = try Trained.model()
    let rows = try PeopleAssessment(of: [(name: "AGI-Net", model: model)], on: [people()], options).rows
    #expect(rows.map(\.person) == ["sub-01", "sub-02"] && rows.allSatisfy { $0.method == "AGI-Net" })
    // It is what the model makes of the files.
    let files = [Modality.t1, .t2].map { ($0, bidsPath(scratch("bids"), 1, $0)) }
    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    for (modality, path) in files { volumes[modality] = (path, try NIfTI.read(path: path).volume) }
    let made = try model.synthesizer(volumes).volume.reoriented(to: .lps)
    let truth = try NIfTI.read(path: bidsPath(scratch("bids"), 1, .pd)).volume.reoriented(to: .lps)
    let brain = truth.voxels.map { $0 > 0 }
    let regions = PersonRegions(grid: VoxelGrid(truth.grid), brain: brain)
    let expected = try #require(PersonScorer(regions)(made.voxels, truth.voxels)?[.brain])
    #expect(abs(try #require(rows[0].values[.brain]) - expected) < 1e-3)
  }

  /// Who was scanned twice is one person, and counts with the mean of both.
  @Test func visitsAreOfOnePerson() throws {
    for (place, first) in [("sub-01/ses-01", 1), ("sub-01/ses-02", 2), ("sub-02/ses-01", 3)] {
      let folder = scratch("visits/\(place)/anat")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (modality, name) in [(Modality.t1, "T1w"), (.t2, "T2w")] {
        let file = place.split(separator: "/").joined(separator: "_")
        try NIfTI.write(scan(modality, subject: first), to: "\(folder)/\(file)_\(name).nii.gz")
      }
    }
    let cohort = try CohortLayout.named("bids").open(scratch("visits"))
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    let assessment = try PeopleAssessment(of: [], on: [cohort], options)
    let copies = assessment.rows.filter { $0.method == "Scaled copy" }.compactMap { $0.values[.brain] }
    let summary = try #require(assessment.summary.tasks[0].methods.first { $0.name == "Scaled copy" })
    #expect(copies.count == 3 && summary.people == 2 && summary.visits == 3)
    let expected = ((copies[0] + copies[1]) / 2 + copies[2]) / 2
    #expect(summary.overPeople[.brain]?.count == 2)
    #expect(try abs(#require(summary.overPeople[.brain]?.mean) - expected) < 1e-9)
    try assessment.write(to: scratch("out"))
    #expect(
      try scratch.text("out/people.md").contains("over 2 people, each the mean of their visits (3 in all)"))
    options.limit = 1
    #expect(try Set(PeopleAssessment(of: [], on: [cohort], options).rows.map(\.person)).count == 2)
  }

  /// Two hospitals count their people alike.
  @Test func peopleOfTwoFoldersAreKeptApart() throws {
    for (folder, first) in [("one", 1), ("two", 3)] {
      for modality in [Modality.t1, .t2] {
        let path = bidsPath(scratch(folder), 1, modality)
        try FileManager.default.createDirectory(
          atPath: scratch("\(folder)/sub-01/anat"), withIntermediateDirectories: true)
        try NIfTI.write(scan(modality, subject: first), to: path)
      }
    }
    let layout = try CohortLayout.named("bids")
    let cohorts = try ["one", "two"].map { try layout.open(scratch($0)) }
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    let assessment = try PeopleAssessment(of: [], on: cohorts, options)
    let copies = assessment.rows.filter { $0.method == "Scaled copy" }
    #expect(copies.map(\.cohort) == ["one", "two"] && copies.map(\.person) == ["sub-01", "sub-01"])
    #expect(copies[0].values[.brain] != copies[1].values[.brain])
    let summary = try #require(assessment.summary.tasks[0].methods.first { $0.name == "Scaled copy" })
    #expect(summary.people == 2 && summary.overPeople[.brain]?.count == 2)
    try assessment.write(to: scratch("out"))
    let words = try scratch.text("out/people.md")
    #expect(words.contains("one/sub-01") && words.contains("two/sub-01"))

    try FileManager.default.createDirectory(atPath: scratch("other"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: scratch("one"), toPath: scratch("other/one"))
    let alike = try [cohorts[0], layout.open(scratch("other/one"))]
    let refused = try failure { _ = try PeopleAssessment(of: [], on: alike, options) }
    #expect(refused.kind == .inconsistent && refused.message.contains("both folders are called one"))
  }

  /// Every picture shows what the figures are of.
  @Test func whatWasMadeIsHandedOverForPictures() throws {
    var options = PeopleAssessment.Options()
    options.tasks = try ["t1,t2>pd", "t1>t2"].map { try PersonTask($0) }
    var pictures: [PersonPicture] = []
    let model = try Trained.model()
    _ = try PeopleAssessment(
      of: [(name: "AGI-Net", model: model)], on: [people()], options, picturing: { pictures.append($0) })
    // The model makes PD alone.
    #expect(pictures.map(\.person) == ["sub-01", "sub-02"] && pictures.allSatisfy { $0.cohort == "bids" })
    let first = try #require(pictures.first)
    #expect(first.scenario == Scenario(sources: [.t1, .t2], target: .pd) && first.given.count == 2)
    let images = first.given + [first.acquired] + first.made.map(\.image)
    #expect(first.made.map(\.method) == ["AGI-Net"])
    #expect(images.count == 4 && images.allSatisfy { $0.count == first.rows * first.columns })
    // 1 is the 99.5th percentile of the brain.
    #expect(images.allSatisfy { image in (0.1...3).contains(image.max() ?? 0) })
    #expect(first.spacing == [1, 1])
  }

  @Test func whoCannotBeReadIsSaid() throws {
    let cohort = try people()
    try scratch.write("not a scan", to: "bids/sub-02/anat/sub-02_T2w.nii.gz")
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    let assessment = try PeopleAssessment(of: [], on: [cohort], options)
    #expect(assessment.failures.map(\.person) == ["sub-02"])
    // From the folder, wherever it lies.
    #expect(assessment.failures[0].reason.hasPrefix("sub-02/anat/sub-02_T2w.nii.gz: "))
    #expect(Set(assessment.rows.map(\.person)) == ["sub-01"])
    options.tasks = [try PersonTask("flair>t1")]
    #expect(try failure { _ = try PeopleAssessment(of: [], on: [cohort], options) }.kind == .inconsistent)
  }

  /// A scan that no task needs, and which cannot be read or lies elsewhere, keeps nobody from being measured; of two of a contrast
  /// neither is taken unasked.
  @Test func onlyWhatIsNeededIsRead() throws {
    let cohort = try people()
    try scratch.write("not a scan", to: "bids/sub-01/anat/sub-01_PDw.nii.gz")
    var elsewhere = scan(.pd, subject: 2)
    elsewhere.affine = Affine([-1, 0, 0, 6], [0, -1, 0, -3], [0, 0, 1, -3])
    try NIfTI.write(elsewhere, to: bidsPath(scratch("bids"), 2, .pd), replacing: true)
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    let assessment = try PeopleAssessment(of: [], on: [cohort], options)
    #expect(assessment.failures.isEmpty && Set(assessment.rows.map(\.person)) == ["sub-01", "sub-02"])

    let (first, second) = (
      bidsPath(scratch("bids"), 1, .t1), scratch("bids/sub-01/anat/sub-01_run-2_T1w.nii.gz")
    )
    try FileManager.default.copyItem(atPath: first, toPath: second)
    let twice = try PeopleAssessment(
      of: [], on: [CohortLayout.named("bids").open(scratch("bids"))], options)
    #expect(twice.failures.map(\.person) == ["sub-01"] && twice.failures[0].reason.contains("2 scans of T1"))
    #expect(twice.failure?.kind == .partial)
  }

  /// Heads whose answer is known at every voxel: the look-up finds it, whatever the noise around it.
  @Test func theLookUpFindsTheMeanAnswer() throws {
    let scenario = Scenario(sources: [.t1, .t2], target: .flair)
    func answer(_ t1: Float, _ t2: Float) -> Float { 0.8 - 0.5 * t1 + 0.25 * t2 }
    let lookup = try PhysicsLookup(for: [scenario], draws: 3) { number in
      var random = RandomSource(seed: UInt64(number))
      let count = 2 * 64 * 64
      let t1 = (0..<count).map { _ in Float(random.uniform()) }
      let t2 = (0..<count).map { _ in Float(random.uniform()) }
      let exact = zip(t1, t2).map(answer)
      let noisy = exact.map { $0 + Float(random.uniform() - 0.5) * 0.2 }
      var batch = SampleBatch(
        images: [.t1: t1, .t2: t2, .flair: noisy], present: [[.t1, .t2, .flair], [.t1, .t2, .flair]],
        extent: Extent(64, 64),
        references: [SampleReference(subject: "a", slice: 0), SampleReference(subject: "b", slice: 0)])
      // What does not count is wrong.
      batch.answers = [.flair: exact.indices.map { $0 % 5 == 0 ? 9 : noisy[$0] }]
      batch.weights = exact.indices.map { $0 % 5 == 0 ? 0 : 1 }
      return batch
    }
    let (t1, t2) = ([0.3, 0.5, 0.72] as [Float], [0.4, 0.62, 0.31] as [Float])
    let made = try #require(lookup(scenario, [.t1: t1, .t2: t2]))
    for (index, value) in made.enumerated() { #expect(abs(value - answer(t1[index], t2[index])) < 0.02) }
    #expect(lookup(scenario, [.t1: t1]) == nil)
    #expect(lookup(Scenario(sources: [.t1], target: .t2), [.t1: t1]) == nil)
  }
}
