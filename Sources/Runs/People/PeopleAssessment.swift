import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Metrics
import Torch

/// What models and baselines are worth on the people of a folder, each of them by themselves, under a scale that is fair to
/// every unit of intensity (`PersonScorer`): straight from the files, nothing is prepared.
public struct PeopleAssessment: Sendable {
  public struct Options: Sendable {
    public var tasks = PersonTask.usual
    /// Most people of a folder, with all their visits; nil for all.
    public var limit: Int?
    public var batchSize = 4
    /// Whether a model hides each given contrast in turn, which tells how far it can be relied on.
    public var verifies = true
    /// As `Synthesizer` has it.
    public var isAxialAlone = false
    public var biasField = BiasFieldRule.automatic
    /// How scans on other grids come onto one.
    public var alignment = ScanAlignment()
    /// The look-up from physics alone, of stripped heads and of whole ones, where there is one.
    public var strippedLookup: PhysicsLookup?, wholeLookup: PhysicsLookup?
    /// Whether copies and ceilings are measured too.
    public var baselines = true
    public init() {}
  }

  /// One method's figures on one person and task.
  public struct Row: Sendable, Equatable, Codable {
    /// The folder's name.
    public var cohort: String
    public var person: String
    /// Who it is, of whom this may be one visit of several.
    public var patient: String
    public var scenario: Scenario
    public var method: String
    /// The source that a copy is of.
    public var detail: String
    public var values: MeasuredValues<PersonMeasure>
    /// The model's own word on how far it can be relied on for this person, in dB.
    public var reliability: Double?
    public var isStripped: Bool
    public var millilitres: Double?
  }

  public private(set) var rows: [Row] = []
  /// Who could not be measured, and why; files are told from the folder.
  public private(set) var failures: [Unmeasured] = []
  /// The models' names, in the order given.
  public let models: [String]
  /// By what the figures came about.
  public let origin: Origin
  /// What ended the work before everyone had been looked at, and how many were not; nil where nothing did.
  public private(set) var stop: Failure.Kind?
  public private(set) var unbegun = 0
  /// The folders' names, by which people of one identifier are told apart.
  public let cohorts: [String]

  /// - Parameters:
  ///   - models: with their names in tables; one that cannot serve a task is not asked.
  ///   - group: the processes that share the people out, each of which gets everything.
  ///   - progress: persons done, of how many, and who is next; what it throws ends the work.
  ///   - picturing: takes what models made of each person and task; what it throws ends the work.
  ///   - shouldStop: asked again and again while this process works alone; where it says a kind of failure, what was measured
  ///     until then is what there is.
  /// - Throws: `.inconsistent` where no person has what any task needs, and for folders of one name.
  public init(
    of models: [(name: String, model: TrainedModel)], on cohorts: [any Cohort],
    _ options: Options = Options(), group: ProcessGroup? = nil,
    progress: (Int, Int, String) throws -> Void = { _, _, _ in },
    picturing: (PersonPicture) throws -> Void = { _ in },
    shouldStop: @escaping () -> Failure.Kind? = { nil }
  ) throws {
    self.models = models.map(\.name)
    origin = Origin(models, options)
    self.cohorts = try PeopleAssessment.names(of: cohorts)
    let chosen = zip(cohorts, self.cohorts).flatMap { cohort, name in
      let subjects = cohort.subjects.filter {
        !PersonTask.scenarios(options.tasks, of: $0.modalities).isEmpty
      }
      let people = Set(
        subjects.map { cohort.patient(of: $0.id) }.unique.prefix(options.limit ?? subjects.count))
      return subjects.filter { people.contains(cohort.patient(of: $0.id)) }.map { (cohort, name, $0) }
    }
    guard !chosen.isEmpty else {
      throw Failure(
        .inconsistent,
        "\(cohorts.map(\.folder).joined(separator: ", ")): nobody has what "
          + "\(options.tasks.map(\.description).joined(separator: " or ")) needs")
    }
    // One on each process at a time, so that pictures need not be kept.
    let step = group?.size ?? 1
    func goOn() throws {
      if group == nil, let kind = shouldStop() { throw Failure(kind, "stopped") }
    }
    for number in stride(from: 0, to: chosen.count, by: step) {
      try progress(number, chosen.count, chosen[number].2.id)
      let next = Array(chosen[number..<min(number + step, chosen.count)])
      let found = try group.share(of: next).map { cohort, name, subject -> Measured? in
        do {
          try goOn()
          let scenarios = PersonTask.scenarios(options.tasks, of: subject.modalities)
          let needed = Modality.allCases.filter { modality in
            scenarios.contains { $0.modalities.contains(modality) }
          }
          let person = try PersonScans(
            subject, of: cohort, named: name, needed: needed, by: options.alignment)
          return try PeopleAssessment.measured(person, models, options, goOn)
        } catch let failure as Failure where failure.isStop && group == nil {
          let begun = Set(chosen[..<number].map { [$1, $0.patient(of: $2.id)] })
          let rest = Set(chosen[number...].map { [$1, $0.patient(of: $2.id)] }).subtracting(begun)
          (stop, unbegun) = (failure.kind, max(1, rest.count))
          return nil
        } catch let failure as Failure where !failure.isStop {
          return Measured(failure: failure.message.relative(to: [cohort.folder]), code: failure.kind.rawValue)
        }
      }
      if stop != nil { return }
      for ((cohort, name, subject), one) in zip(next, try group.gathered(found.compactMap { $0 })) {
        rows += one.rows
        if let reason = one.failure {
          let kind = one.code.flatMap(Failure.Kind.init(rawValue:)) ?? .unexpected
          failures.append(
            Unmeasured(
              cohort: name, person: subject.id, patient: cohort.patient(of: subject.id), reason: reason,
              kind: kind
            ))
        }
        for picture in one.pictures { try picturing(picture) }
      }
    }
    try progress(chosen.count, chosen.count, "")
  }

  /// What was found of a person.
  private struct Measured: Codable {
    var rows: [Row] = []
    var pictures: [PersonPicture] = []
    var failure: String?
    var code: Int32?
  }

  /// Who could not be measured.
  public struct Unmeasured: Sendable {
    public let cohort: String, person: String, patient: String, reason: String, kind: Failure.Kind
  }

  /// Why some were not measured; nil where all were. Where nobody was, with the kind that all have in common.
  public var failure: Failure? {
    guard let first = failures.first else { return nil }
    // Of somebody with several visits one may have been measured.
    let who =
      failures.allSatisfy { $0.person == $0.patient }
      ? failures.count.people : Table.counted(failures.count, "visit")
    let words = "\(who) \(failures.count == 1 ? "was" : "were") not measured"
    guard rows.isEmpty else { return Failure(.partial, words) }
    let isAlike = Set(failures.map(\.kind)).count == 1
    let reasons = failures.map { "\(label($0.cohort, $0.person)) (\($0.reason))" }
    return Failure(isAlike ? first.kind : .partial, "\(words): \(reasons.listed(5))")
  }

  /// What folders are called where their people are told apart.
  /// - Throws: `.inconsistent` where two are called alike.
  public static func names(of cohorts: [any Cohort]) throws -> [String] {
    let names = cohorts.map { cohort in
      let name = Path.name(cohort.folder)
      return [".", ".."].contains(name) ? Path.name(Path.resolved(cohort.folder) ?? name) : name
    }
    for (place, name) in names.enumerated() {
      guard let other = names[..<place].firstIndex(of: name) else { continue }
      throw Failure(
        .inconsistent,
        "\(cohorts[other].folder) and \(cohorts[place].folder): both folders are called \(name), and people are told apart "
          + "by their folder's name; rename one, or give a link of another name")
    }
    return names
  }

  /// What the tasks are for the people of these folders, each once.
  public static func scenarios(of tasks: [PersonTask], on cohorts: [any Cohort]) -> [Scenario] {
    cohorts.flatMap(\.subjects).flatMap { PersonTask.scenarios(tasks, of: $0.modalities) }.unique
  }

  private static func measured(
    _ person: PersonScans, _ models: [(name: String, model: TrainedModel)], _ options: Options,
    _ goOn: () throws -> Void
  ) throws -> Measured {
    let scenarios = PersonTask.scenarios(options.tasks, of: person.modalities)
    var rows: [Row] = []
    var planes: [Scenario: [(method: String, plane: [Float])]] = [:]
    for (name, model) in models {
      for (made, reliability) in try predictions(of: person, scenarios, by: model, options, goOn) {
        if let plane = made.scenario.target.modality.flatMap({ person.shown(made.image, as: $0) }) {
          planes[made.scenario, default: []].append((name, plane))
        }
        rows += scored([(made.scenario, name, made.image, false, "")], on: person).map { row in
          var row = row
          row.reliability = reliability
          return row
        }
      }
    }
    var copies: [Scenario: [Row]] = [:]
    for scenario in scenarios {
      let lookup = person.isStripped ? options.strippedLookup : options.wholeLookup
      if let image = lookup?(scenario, person.images) {
        rows += scored([(scenario, PersonBaselines.physics, image, false, "")], on: person)
      }
      guard options.baselines, let target = scenario.target.modality else { continue }
      // Of the copies the one that turns out the best: nobody could choose better.
      var best: [Row] = []
      for source in scenario.sources {
        let pair = Scenario(sources: [source], target: target)
        let found =
          copies[pair]
          ?? scored(
            PersonBaselines.copies(of: source, as: target, person).map {
              (pair, $0.method, $0.image, $0.isFitted, $0.detail)
            }, on: person)
        copies[pair] = found
        best =
          (best + found).map(\.method).unique.compactMap { method in
            (best + found).filter { $0.method == method }.max {
              ($0.values[.brain] ?? -.infinity) < ($1.values[.brain] ?? -.infinity)
            }
          }
      }
      rows += best.map { row in
        var row = row
        row.scenario = scenario
        return row
      }
      if let ceiling = try PersonBaselines.ownLookup(scenario, person) {
        rows += scored([(scenario, ceiling.method, ceiling.image, true, "")], on: person)
      }
    }
    let pictures = scenarios.compactMap { scenario in
      planes[scenario].flatMap { PersonPicture(person, scenario, made: $0) }
    }
    return Measured(rows: rows, pictures: pictures)
  }

  /// What a model makes of the person for the scenarios that it serves: those of the same sources at once.
  private static func predictions(
    of person: PersonScans, _ scenarios: [Scenario], by model: TrainedModel, _ options: Options,
    _ goOn: () throws -> Void
  ) throws -> [(made: (scenario: Scenario, image: [Float]), reliability: Double?)] {
    let card = model.card.scenario
    let served = scenarios.filter { scenario in
      card.target == .missing
        ? Set(scenario.modalities).isSubset(of: card.sources)
        : card.target == scenario.target && Set(card.sources) == Set(scenario.sources)
    }
    var synthesizer = try model.synthesizer
    (synthesizer.verifies, synthesizer.acceptsDoubts) = (options.verifies, true)
    (synthesizer.isAxialAlone, synthesizer.biasField) = (options.isAxialAlone, options.biasField)
    // Its notes are not shown.
    synthesizer.looksForMotion = false
    return try served.map(\.sources).unique.flatMap { sources in
      let wanted = served.filter { $0.sources == sources }
      let given = person.volumes.filter { sources.contains($0.key) }
      let result = try synthesizer(
        given, targets: wanted.compactMap(\.target.modality), batchSize: options.batchSize,
        progress: { _, _ in try goOn() }, verifying: { _, _ in try goOn() })
      return wanted.compactMap { scenario in
        result.images.first { $0.modality == scenario.target.modality }.map {
          ((scenario, person.cut($0.volume)), result.verification?.reliability)
        }
      }
    }
  }

  private static func scored(
    _ predictions: [(scenario: Scenario, method: String, image: [Float], isFitted: Bool, detail: String)],
    on person: PersonScans
  ) -> [Row] {
    let scorer = PersonScorer(person.regions)
    let millilitres = person.regions.lesion.flatMap { lesion in
      person.regions.grid.voxelVolume.map { Double(lesion.count { $0 }) * $0 }
    }
    return Parallel.map(count: predictions.count) { index -> Row? in
      let prediction = predictions[index]
      guard let target = prediction.scenario.target.modality, let truth = person.images[target],
        let values = scorer(prediction.image, truth, isFitted: prediction.isFitted)
      else { return nil }
      return Row(
        cohort: person.cohort, person: person.id, patient: person.patient, scenario: prediction.scenario,
        method: prediction.method, detail: prediction.detail, values: values, reliability: nil,
        isStripped: person.isStripped, millilitres: millilitres)
    }.compactMap { $0 }
  }
}
