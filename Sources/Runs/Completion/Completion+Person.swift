import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Training

extension Completion {
  /// One person: what is whole there stays, what is lacking is computed, and what is of scans that changed goes.
  /// - Throws: what `shouldStop` says, alone; all else is told of the person.
  func complete(
    _ task: CompletionTask, by model: TrainedModel, _ shouldStop: () -> Failure.Kind?
  ) throws -> CompletedPerson {
    var person = task.person
    func goesOn() throws {
      if let kind = shouldStop() {
        throw Failure(kind, "stopped; the same command goes on, and what is done stays")
      }
    }
    try goesOn()
    let scans = SourceScans(task, in: cohort.folder, onto: options.alignment)
    do {
      try complete(task, scans, by: model, &person, goesOn)
    } catch let failure as Failure where !failure.isStop {
      person.fail(failure, in: [cohort.folder, folder.path])
      folder.removeEmpty(of: task.subject)
    }
    person.leftovers = tidy(after: person, task, scans, by: model)
    return person
  }

  private func complete(
    _ task: CompletionTask, _ scans: SourceScans, by model: TrainedModel, _ person: inout CompletedPerson,
    _ goesOn: () throws -> Void
  ) throws {
    try task.checkPresent()
    guard !task.lacking.isEmpty else { return }
    try task.check()
    person.sources = Dictionary(
      uniqueKeysWithValues: task.files.map { ($0.modality, scans.inCohort($0.path)) })
    let pending = try pending(task, scans, by: model)
    if !pending.isEmpty {
      try RunFolder.make(folder("\(task.name.folder)/anat"))
      try synthesise(pending, of: task, scans, by: model, goesOn)
    }
    let images = task.lacking.map { modality in
      let image = image(modality, of: task)
      return (modality: modality, file: image.file, sidecar: image.sidecar)
    }
    person.images = images.map {
      .init(modality: $0.modality, file: $0.file, model: $0.sidecar.map(CompletionModel.init))
    }
    person.state = pending.isEmpty ? .kept : .completed
    person.figure = task.name.figure(of: task.lacking, from: task.files.map(\.modality))
    if let sidecar = images.first?.sidecar { person.take(sidecar) }
  }

  /// An image of a person, whether it is there or not.
  private func image(_ modality: Modality, of task: CompletionTask) -> DerivedImage {
    DerivedImage(task.name.image(modality), in: folder)
  }

  /// The contrasts of a person that are yet to be computed.
  /// - Throws: `.cannotWrite` where one by another model is there and may not be replaced.
  func pending(_ task: CompletionTask, _ scans: SourceScans, by model: TrainedModel) throws -> [Modality] {
    try task.lacking.filter { try !image($0, of: task).stands(of: model, scans, options) }
  }

  /// Computes images of a person and writes them, each with what stands beside it.
  private func synthesise(
    _ made: [Modality], of task: CompletionTask, _ scans: SourceScans, by model: TrainedModel,
    _ goesOn: () throws -> Void
  ) throws {
    var job = synthesis(of: made, by: model)
    job.outputs = Dictionary(uniqueKeysWithValues: made.map { ($0, folder(image($0, of: task).file)) })
    // Digests are those before the scans are read: of one that changes meanwhile the next run is to know.
    job.derivation = Derivation(scans, options)
    _ = try job.runAll(
      task.files, progress: { _, _ in try goesOn() }, verifying: { _, _ in try goesOn() },
      begins: { _ in try goesOn() })
  }

  func synthesis(of targets: [Modality], by model: TrainedModel) -> PatientSynthesis {
    var job = PatientSynthesis(model: model, output: "")
    (job.targets, job.batchSize, job.voxelLimit) = (targets, options.batchSize, options.voxelLimit)
    (job.isAxialAlone, job.biasField, job.alignment) = (
      options.isAxialAlone, options.biasField, options.alignment
    )
    // What stands there and is whole is not computed again.
    (job.replaces, job.acceptsDoubts) = (true, options.acceptsDoubts)
    return job
  }

  /// Looks at what an earlier run made of a person and this one did not: images of scans that changed must not pass for right,
  /// and those of contrasts that were acquired since not for the person's only ones. What another model made is left alone.
  /// - Returns: one sentence for each; nil where there is none.
  private func tidy(
    after person: CompletedPerson, _ task: CompletionTask, _ scans: SourceScans, by model: TrainedModel
  ) -> [String]? {
    let current = Set(person.images.map(\.file))
    var words: [String] = []
    for image in folder.images(of: task.subject) where !current.contains(image.file) {
      guard let sidecar = image.sidecar, sidecar.modelSHA256 == model.sha256 else { continue }
      let modality = sidecar.modality
      if let scan = image.changedScan(among: scans) {
        let removed = image.remove()
        words.append(
          removed
            ? "\(image.file) is removed: \(scan), which it was computed of, is another now"
            : "\(image.file) cannot be removed, and \(scan), which it was computed of, is another now")
        // Pictures that show it go with it.
        if removed, let figure = folder.people([person.id]).first?.figure { unlink(folder(figure)) }
      } else if task.subject.files[modality] != nil {
        words.append("\(modality.title) was acquired since; \(image.file), which was computed, is left")
      } else if person.state == .failed, task.lacking.contains(modality) {
        words.append("\(image.file) is left of an earlier run")
      }
    }
    return words.isEmpty ? nil : words
  }
}

extension CompletedPerson {
  /// Takes what the sidecar of an image tells of the person.
  fileprivate mutating func take(_ sidecar: Sidecar) {
    (reliability, placements) = (sidecar.reliability, sidecar.alignment)
    notes = sidecar.tellingNotes
    reliabilityWords = sidecar.verification.map { Verification(hidden: $0).words }
  }
}
