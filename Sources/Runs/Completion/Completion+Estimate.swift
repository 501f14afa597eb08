import Cohorts
import Experiments
import Failures
import Imaging
import Inference

/// What completing people will take, told without doing it.
public struct CompletionEstimate: Codable, Sendable {
  /// People of whom something is to be computed, and how many contrasts of them.
  public var people = 0, images = 0
  /// People of whom all that is wanted stands there already, and who lack nothing of it.
  public var kept = 0, whole = 0
  /// Why others cannot be completed, by identifier; of the scans only names and headers were looked at.
  public var hindered: [String: String] = [:]
  /// Processes that share people out; nil where there is one.
  public var processes: Int?
  /// People at a time, of each process.
  public var jobs = 1
  /// Bytes of each process at the most, the program included; nil where the system does not tell.
  public var memory: Int?
  /// The memory that there is for each, and what sets its limit.
  public var limit: Int?, limitOrigin: String?
  /// Of the networks, until the last process is done; reading, writing and pictures are not counted.
  public var seconds = 0.0

  /// Whether it needs more memory than there is.
  public var isTooLarge: Bool { (memory ?? 0) > limit ?? .max }
}

extension Completion {
  /// What `run` will take: headers are read, and of scans of each size a batch is sent through the networks; nothing is written.
  /// - Parameter model: that of `init`.
  public func estimate(_ model: TrainedModel) throws -> CompletionEstimate {
    var result = CompletionEstimate()
    result.processes = options.parts > 1 ? options.parts : nil
    var known: [Size: Estimate] = [:]
    for part in 0..<options.parts { try add(tasks(of: part), by: model, to: &result, &known) }
    return result
  }

  /// What the work of one process takes.
  private func add(
    _ tasks: [CompletionTask], by model: TrainedModel, to result: inout CompletionEstimate,
    _ known: inout [Size: Estimate]
  ) throws {
    let jobs = jobs(for: tasks, by: model)
    result.jobs = max(result.jobs, jobs)
    var (largest, seconds) = (0, 0.0)
    for task in tasks {
      do {
        try task.checkPresent()
        guard !task.lacking.isEmpty else {
          result.whole += 1
          continue
        }
        try task.check()
        let pending = try pending(
          task, SourceScans(task, in: cohort.folder, onto: options.alignment), by: model)
        guard !pending.isEmpty else {
          result.kept += 1
          continue
        }
        let job = synthesis(of: pending, by: model)
        let (grid, elsewhere) = try job.patientFiles(task.files).grid(for: model.card)
        let size = Size(grid, elsewhere, given: task.files.map(\.modality), made: pending.count)
        let estimate = try known[size] ?? job.estimate(task.files)
        known[size] = estimate
        (result.people, result.images) = (result.people + 1, result.images + pending.count)
        // Several at a time share the cores.
        seconds += estimate.seconds
        largest = max(largest, estimate.images + (estimate.batch ?? 0))
        (result.limit, result.limitOrigin) = (estimate.limit, estimate.limitOrigin)
        result.memory = estimate.program.map { max(result.memory ?? 0, $0 + jobs * largest) }
      } catch let failure as Failure where !failure.isStop {
        result.hindered[task.subject.id] = failure.message.relative(to: [cohort.folder, folder.path])
      }
    }
    result.seconds = max(result.seconds, seconds)
  }

  /// What an estimate depends on.
  private struct Size: Hashable {
    let dimensions: SIMD3<Int>, voxel: SIMD3<Double>, given: [Modality], made: Int
    let elsewhere: Int

    init(_ grid: Grid, _ elsewhere: Int, given: [Modality], made: Int) {
      // In steps of a hundredth of a millimetre: the same scanner's differ by less.
      voxel = (grid.affine.spacing * 100).rounded(.toNearestOrAwayFromZero)
      (dimensions, self.elsewhere) = (grid.dimensions, elsewhere)
      (self.given, self.made) = (given, made)
    }
  }
}
