import Cohorts
import Imaging
import Metrics

/// What a model makes of each subject's lesion, as its slices are scored: they come in order, subject by subject.
struct LesionFigures {
  /// Of the subjects who have a lesion, and of whom every slice from the first to the last was scored.
  private(set) var figures: ModelFigures<LesionMeasure>
  private let scorer: LesionScorer
  private let manifest: CohortManifest
  private let own: Set<String>
  private let target: Modality
  private var current: Stack?

  /// One subject's slices put together.
  private struct Stack {
    let subject: CohortManifest.Subject
    let span: SliceSpan
    var prediction: [Float], target: [Float], lesion: [Bool]
    var slices = 0

    init(_ subject: CohortManifest.Subject, _ manifest: CohortManifest) {
      (self.subject, span) = (subject, SliceSpan(of: subject, in: manifest))
      let count = span.grid.extent.count
      (prediction, target) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
      lesion = Array(repeating: false, count: count)
    }
  }

  /// - Parameter own: the subjects to look at, whose label maps are of lesions.
  init(
    of name: String, _ scorer: LesionScorer, target: Modality, in manifest: CohortManifest, own: Set<String>
  ) {
    figures = ModelFigures(name: name)
    (self.scorer, self.target, self.manifest, self.own) = (scorer, target, manifest, own)
  }

  /// - Parameters:
  ///   - values: what was predicted for a batch that was read with its label maps.
  mutating func add(_ values: [Float], for batch: SampleBatch) {
    guard let labels = batch.labels else { return }
    let (wanted, size) = (batch.target(target), batch.extent.count)
    for (index, reference) in batch.references.enumerated() {
      if current?.subject.id != reference.subject {
        finish()
        guard let subject = manifest.subjects.first(where: { $0.id == reference.subject }),
          subject.labels != nil, own.contains(subject.id)
        else { continue }
        current = Stack(subject, manifest)
      }
      guard let span = current?.span else { continue }
      let slice = index * size..<(index + 1) * size
      let start = (reference.slice - span.first) * size
      current?.slices += 1
      current?.prediction.replaceSubrange(start..<start + size, with: values[slice])
      current?.target.replaceSubrange(start..<start + size, with: wanted[slice])
      current?.lesion.replaceSubrange(start..<start + size, with: labels[slice].map { $0 > 0 })
    }
  }

  /// To be called after the last slice.
  mutating func finish() {
    guard let stack = current else { return }
    current = nil
    let subject = stack.subject
    guard stack.slices == subject.slices.count, !stack.span.hasGaps,
      let values = scorer(stack.prediction, stack.target, lesion: stack.lesion, on: stack.span.grid)
    else { return }
    figures.subjects.append(
      SubjectFigures(
        subject: subject.id, patient: subject.sharedPatient, values: values,
        isCut: stack.span.isCut(stack.lesion)))
  }
}

extension LesionScorer {
  /// As slices are scored beside it.
  init(_ scorer: Scorer) { self.init(ssim: scorer.ssim, foreground: scorer.foreground) }
}
