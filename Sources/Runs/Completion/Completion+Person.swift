import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Training

extension Completion {
  /// One person: what is whole there stays, what is lacking is computed.
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
    guard !task.lacking.isEmpty else { return person }
    do {
      try task.check()
      person.sources = Dictionary(uniqueKeysWithValues: task.files.map { ($0.modality, inCohort($0.path)) })
      let (name, images) = (task.name, derived(task))
      let pending = try images.filter { try !$0.stands(of: model, options) }
      if !pending.isEmpty {
        try RunFolder.make(folder("\(name.folder)/anat"))
        try synthesise(pending, of: task, by: model, goesOn)
      }
      person.images = images.map { .init(modality: $0.modality, file: $0.file, model: $0.model) }
      person.state = pending.isEmpty ? .kept : .completed
      person.figure = name.figure(of: task.lacking, from: task.files.map(\.modality))
      if let sidecar = images.first?.fields { person.take(sidecar) }
    } catch let failure as Failure where !failure.isStop {
      person.fail(failure, in: [cohort.folder, folder.path])
    }
    return person
  }

  /// The images of a person, whether they are there or not.
  private func derived(_ task: CompletionTask) -> [Derived] {
    let name = task.name
    return task.lacking.map { Derived(modality: $0, file: name.image($0), of: task, self) }
  }

  /// The contrasts of a person that are yet to be computed.
  /// - Throws: `.cannotWrite` where one by another model is there and may not be replaced.
  func pending(_ task: CompletionTask, by model: TrainedModel) throws -> [Modality] {
    try derived(task).filter { try !$0.stands(of: model, options) }.map(\.modality)
  }

  /// Computes images of a person and writes them, each with what stands beside it.
  private func synthesise(
    _ images: [Derived], of task: CompletionTask, by model: TrainedModel, _ goesOn: () throws -> Void
  ) throws {
    var job = synthesis(of: images.map(\.modality), by: model)
    job.outputs = Dictionary(uniqueKeysWithValues: images.map { ($0.modality, folder($0.file)) })
    _ = try job.runAll(
      task.files, progress: { _, _ in try goesOn() }, verifying: { _, _ in try goesOn() })
    for image in images { try image.finish() }
  }

  func synthesis(of targets: [Modality], by model: TrainedModel) -> PatientSynthesis {
    var job = PatientSynthesis(model: model, output: "")
    (job.targets, job.batchSize, job.voxelLimit) = (targets, options.batchSize, options.voxelLimit)
    // What stands there and is whole is not computed again.
    (job.replaces, job.acceptsDoubts) = (true, options.replaces)
    return job
  }

  /// A path from the data set's folder.
  func inCohort(_ path: String) -> String {
    let start = Path.withoutEnd(cohort.folder) + "/"
    return path.hasPrefix(start) ? String(path.dropFirst(start.count)) : path
  }
}

/// An image of a person in the folder of derivatives.
private struct Derived {
  let modality: Modality
  /// From the folder.
  let file: String
  private let path: String
  /// The scans that it is computed of, where they lie and as BIDS names files of other data sets; the first has its grid.
  private let scans: [String], links: [String]

  init(modality: Modality, file: String, of task: CompletionTask, _ completion: Completion) {
    (self.modality, self.file, path) = (modality, file, completion.folder(file))
    scans = task.files.map(\.path)
    links = scans.map { "bids:raw:\(completion.inCohort($0))" }
  }

  private var sidecar: String { (path.scanStem ?? path) + ".json" }

  /// What stands beside it.
  var fields: [String: Any]? {
    guard let data = FileManager.default.contents(atPath: sidecar) else { return nil }
    return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
  }

  var model: CompletionModel? { CompletionModel(besideImage: sidecar) }

  /// Whether it is there, whole, by this model and of these scans as they are now.
  /// - Throws: `.cannotWrite` where one by another model is there and may not be replaced.
  func stands(of model: TrainedModel, _ options: Completion.Options) throws -> Bool {
    let exists = FileManager.default.fileExists(atPath: path)
    guard exists, !options.replaces, let fields else { return false }
    guard fields["ModelSHA256"] as? String == model.sha256 else {
      throw Failure(
        .cannotWrite, "\(path): was computed by another model; replace it with \(Term.overwrites)")
    }
    guard fields["SpatialReference"] as? String == links[0], fields["Sources"] as? [String] == links,
      let written = modified(path)
    else { return false }
    for scan in scans {
      guard let changed = modified(scan), changed <= written else { return false }
    }
    return (try? NIfTI.read(path: path, limit: options.voxelLimit)) != nil
  }

  private func modified(_ path: String) -> Date? {
    let target = Path.resolved(path) ?? path
    return (try? FileManager.default.attributesOfItem(atPath: target))?[.modificationDate] as? Date
  }

  /// Says beside it, in BIDS's words, what it was computed of. What lacks these words was not finished.
  func finish() throws {
    guard var fields else { throw Failure(.unexpected, "\(sidecar): cannot be read again") }
    fields["SourceDetails"] = fields["Sources"]
    fields["Sources"] = links
    fields["SpatialReference"] = links[0]
    let data = try JSONSerialization.data(
      withJSONObject: fields, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try AtomicFile.write([UInt8](data) + Array("\n".utf8), to: sidecar)
  }
}

extension CompletedPerson {
  /// Takes what the sidecar of an image tells of the person.
  fileprivate mutating func take(_ sidecar: [String: Any]) {
    notes = sidecar["Notes"] as? [String] ?? []
    reliability = sidecar["Reliability"] as? Double
    guard let hidden = sidecar["Verification"],
      let data = try? JSONSerialization.data(withJSONObject: hidden),
      let all = try? JSONDecoder().decode([Verification.Hidden].self, from: data)
    else { return }
    reliabilityWords = Verification(hidden: all).words
  }
}
