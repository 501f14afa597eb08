import ArgumentParser
import Cohorts
import Failures
import Files
import Foundation
import Imaging

struct Prepare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a cohort's scans and write them as a store of slices to train on.",
    discussion: """
      \(example("aginet prepare bids raw -o cohort --splits s.json --slices all"))

      Where a subject has several scans of a modality, --pick chooses by what stands in their names: t1:rec=norm takes \
      the T1 with rec-norm, t1:rec= the one without rec, run=1 the first run of each modality; it may be given several \
      times. A file .bidsignore in the cohort's folder names what is not to be read. fMRIPrep's folder can be given as \
      it is: --pick t1:space=MNI152NLin2009cAsym, or --pick t1:space= for the images in the scanner's own space.

      The lesions' label map (_mask or _dseg in derivatives) is the one with lesion, tumour or WMH in its name, as \
      label-lesion; else one whose name does not say what it is of, if it marks \(Int(LesionMaps.largest)) ml at most. \
      --pick labels:desc=manual takes the one with desc-manual, whatever it is.
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder's layout: \(CohortLayout.catalog.map(\.name).joined(separator: ", ")).",
      discussion: CohortLayout.catalog.map(\.summary).joined(separator: "\n")))
  var layout: String
  @Argument(help: "The cohort's folder.")
  var folder: String
  @Option(name: .shortAndLong, help: "The prepared cohort's folder.")
  var output: String
  @Option(help: "Who trains, validates and tests: a JSON file, or published, patient-disjoint, seeded.")
  var splits: String?
  @Option(help: "central:N, FIRST-LAST or all (default: the layout's published rule).")
  var slices: String?
  @Option(help: "Modalities to store, e.g. t1,t2,flair.")
  var modalities: String?
  @Option(help: "Rows and columns of the stored slices, e.g. 256 or 240x240 (default: what fits all).")
  var size: String?
  @Option(
    help:
      "BIDS: which of several scans of a modality, e.g. t1:rec=norm, t1:rec= (without), run=1; which label map, labels:desc=x."
  )
  var pick: [String] = []
  @Flag(help: "Resample scans of one subject that lie on different grids onto the first modality's.")
  var resample = false
  @Flag(
    help:
      "Look for the head's motion between a subject's scans as well (rigid, by mutual information), and bring them onto one grid; what lies within 0.5 mm is left as it is."
  )
  var register = false
  @Option(help: "The modality whose grid the others are resampled to.")
  var grid: Modality?
  @Option(help: "skip: leave out and name subjects that cannot be used; refuse: prepare nothing.")
  var onDefect = Preparation.DefectRule.skip
  @Option(help: "Seed of a seeded split.")
  var seed: UInt64 = 1
  @Option(help: "Subjects worked on at a time, 1 to 1024 (default: all cores).")
  var threads: Int?
  @Flag(help: "Keep subjects that lack some of the modalities; method unified learns from them.")
  var keepIncomplete = false
  @Flag(help: "Accept the same images under two names in two splits, or as two modalities of a subject.")
  var allowDuplicates = false
  @Flag(help: "Replace a prepared cohort in the output folder.")
  var force = false
  @OptionGroup var common: CommonOptions

  func run() throws {
    let rule = try AlignmentOptions.rule(resample: resample, register: register)
    var preparation = Preparation()
    if let slices { preparation.sliceRule = try SliceRule(slices) }
    if let text = self.modalities { preparation.modalities = try aginet.modalities(text) }
    if let size { preparation.size = try imageSize(size) }
    if let splits {
      preparation.splits =
        splits.hasSuffix(".json") || FileManager.default.fileExists(atPath: splits)
        ? .file(splits) : try Preparation.SplitChoice(variant: splits)
    }
    (preparation.alignment, preparation.onDefect) = (ScanAlignment(rule, onto: grid), onDefect)
    (preparation.seed, preparation.overwrite) = (seed, force)
    (preparation.allowsDuplicates, preparation.keepsIncomplete) = (allowDuplicates, keepIncomplete)
    if let threads {
      try check("threads", threads, Bounds.threads)
      preparation.threads = threads
    }
    let picks = try pick.flatMap { try ScanPick.read($0) }

    let (outcome, cohort) = try prepared(
      preparation, layout: layout, folder: folder, picks: picks, output: output)
    let counts = Split.allCases.map { split in "\(split.rawValue) \(cohort.subjects(in: split).count)" }
    Console.note(
      "\(cohort.manifest.modalities.titles); "
        + "\(cohort.manifest.extent); subjects: \(counts.joined(separator: ", "))")
    try Console.result(output)
    if let failure = outcome.failure { throw failure }
  }
}

/// Prepares a cohort with a progress bar and prints what the user should know.
func prepared(
  _ preparation: Preparation, layout: String, folder: String, picks: [ScanPick] = [], output: String
) throws -> (outcome: Preparation.Outcome, cohort: PreparedCohort) {
  let known = try CohortLayout.named(layout)
  let source = try known.open(folder, picks: picks)
  let bar = SharedBar(ProgressBar("preparing", unit: "subjects"))
  let outcome: Preparation.Outcome
  do {
    outcome = try preparation.run(
      source, layout: known.name, into: output, program: "aginet \(Version.current)"
    ) { done, total, _ in bar.show(done, of: total) }
  } catch {
    // What was not taken may be what is missed.
    for note in source.notes { Console.note("note: \(note)") }
    throw error
  }
  for note in outcome.notes { Console.note("note: \(note)") }
  if outcome.droppedSlices > 0 { Console.note("\(outcome.droppedSlices) empty slices were left out") }
  return (outcome, try PreparedCohort(folder: output))
}

extension Preparation.DefectRule: ExpressibleByArgument {}

/// Reads `256` or `240x240` (rows x columns).
private func imageSize(_ text: String) throws -> Extent {
  let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
  guard (1...2).contains(sides.count), let height = sides.first, let width = sides.last,
    sides.allSatisfy({ (1...4096).contains($0) })
  else {
    throw Failure(.usage, "--size \(text): write rows and columns up to 4096, such as 256 or 240x240")
  }
  return Extent(height, width)
}
