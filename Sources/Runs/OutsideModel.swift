import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Metrics
import Training

/// A model that was never trained on a cohort, beside runs that were: what it makes of people's files, as slices of the
/// cohort.
///
/// Its images have a scale of their own, and the cohort's intensities are shares of a percentile of the acquired image, which
/// nobody has who needs a synthesis. So one factor for everyone, of least squares over people of the training split, brings
/// them there. A curve over the same people, in its place, tells how much of the error that leaves is brightness and how much
/// is structure. Nothing is taken from a person who is scored.
public struct OutsideModel: Sendable {
  /// How it is called in tables.
  public let name: String
  public let card: ModelCard
  public let file: String, sha256: String
  /// From its images' foreground scale to the cohort's intensities.
  public let factor: Double
  /// Training subjects that factor and curve were fitted on.
  public let fittedOn: [String]
  /// What was written for the people who are scored.
  public let written: [String]
  /// Of these all together, reading, verifying and writing included.
  public let seconds: Double
  private let curve: IntensityLookup
  /// In the model's intensities.
  private let images: [SampleReference: [Float]]

  /// The brightest of its images that the curve tells apart, of their foreground's scale: hardly a voxel is above.
  private static let range: Float = 3

  public struct Options: Sendable {
    public var split = Split.test
    /// Most training subjects to fit on, spread evenly.
    public var fitted = 4
    /// Slices through the network at a time.
    public var batchSize = 4
    public init() {}
  }

  /// Synthesises the scenario's target for everyone of a split, from their files to files, as `PatientSynthesis` does, and
  /// for some people of the training split.
  /// - Parameters:
  ///   - source: the folder that the cohort was prepared from.
  ///   - output: the folder of derivatives, whose images are replaced.
  ///   - progress: people done, of how many.
  /// - Throws: `.inconsistent` for subjects that are not in the folder, and where nobody trains or is scored; what
  ///   `PatientSynthesis` throws.
  public init(
    _ model: TrainedModel, named name: String, on cohort: PreparedCohort, from source: any Cohort,
    for scenario: Scenario, into output: String, _ options: Options = Options(),
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    let target = try scenario.contrast
    let asked = cohort.subjects(in: options.split)
    let training = cohort.subjects(in: .train).spread(options.fitted)
    guard !asked.isEmpty, !training.isEmpty else {
      throw Failure(
        .inconsistent,
        "\(cohort.folder): \(name) is scored on people of the \(options.split.rawValue) split and scaled by people of the "
          + "training split, and there are \(asked.count) and \(training.count); prepare again with \(Term.splits)"
      )
    }
    let people = Dictionary(source.subjects.map { ($0.id, $0) }) { first, _ in first }
    func made(_ subject: CohortManifest.Subject, verified: Bool) throws -> (
      file: String, images: [Int: [Float]]
    ) {
      guard let person = people[subject.id] else {
        throw Failure(.inconsistent, "\(source.folder): \(subject.id) is not there any more")
      }
      let files = try scenario.sources.map { (modality: $0, path: try person.path(of: $0)) }
      let file = output + "/" + DerivativeName(of: person, like: files[0].path).image(target)
      try RunFolder.make(Path.folder(file))
      var job = PatientSynthesis(model: model, output: file)
      (job.targets, job.batchSize, job.replaces) = ([target], options.batchSize, true)
      // What it is worth for people that it is not meant for is what is to be seen.
      (job.verifies, job.acceptsDoubts) = (verified, true)
      _ = try job.run(files)
      let volume = try NIfTI.read(path: file).volume
      return (file, try cohort.manifest.slices(of: volume, name: file, for: subject))
    }

    let count = asked.count + training.count
    var (images, written): ([SampleReference: [Float]], [String]) = ([:], [])
    let began = ContinuousClock.now
    for subject in asked {
      let person = try made(subject, verified: true)
      written.append(person.file)
      for (slice, image) in person.images {
        images[SampleReference(subject: subject.id, slice: slice)] = image
      }
      try progress(written.count, count)
    }
    seconds = (ContinuousClock.now - began) / .seconds(1)

    var (product, square) = (0.0, 0.0)
    var fit = IntensityLookup.Fit(sources: [name], target: target.rawValue)
    for (number, subject) in training.enumerated() {
      for (slice, image) in try made(subject, verified: false).images.sorted(by: { $0.key < $1.key }) {
        let truth = try cohort.slice(target, at: SampleReference(subject: subject.id, slice: slice))
        for (value, wanted) in zip(image, truth) {
          product += Double(value) * Double(wanted)
          square += Double(value) * Double(value)
        }
        fit.add(sources: [OutsideModel.entered(image)], target: truth)
      }
      try progress(asked.count + number + 1, count)
    }
    guard product > 0, let curve = fit.finished() else {
      throw Failure(.inconsistent, "\(name): its images of people of the training split are empty")
    }
    (self.name, card, file, sha256) = (name, model.card, model.file, model.sha256)
    (factor, self.curve, self.images, self.written) = (product / square, curve, images, written)
    fittedOn = training.map(\.id)
  }
}

extension OutsideModel {
  /// As the curve takes intensities.
  private static func entered(_ image: [Float]) -> [Float] { image.map { $0 / range } }

  /// How it is called with the curve in place of the factor.
  public var curvedName: String { "\(name), curve fitted" }

  /// What is scored beside runs: its images by the factor, and by the curve.
  public var rows: [Baselines.Baseline] {
    let (factor, curve) = (Float(factor), curve)
    return [
      row(name) { $0.map { $0 * factor } },
      row(curvedName) { curve([OutsideModel.entered($0)]) },
    ]
  }

  private func row(
    _ name: String, _ scaled: @escaping @Sendable ([Float]) -> [Float]
  ) -> Baselines.Baseline {
    Baselines.Baseline(name: name) { [images] batch in
      // A slice that was not made is none that it was made for, and no score passes values that are no numbers.
      let nothing = [Float](repeating: .nan, count: batch.extent.count)
      return batch.references.flatMap { images[$0].map(scaled) ?? nothing }
    }
  }
}
