import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Torch

/// An image in a folder of derivatives, and what stands beside it.
struct DerivedImage: Sendable {
  /// From the folder.
  let file: String
  private let path: String

  init(_ file: String, in folder: CompletionFolder) { (self.file, path) = (file, folder(file)) }

  private var sidecarPath: String { (path.scanStem ?? path) + ".json" }

  /// What stands beside it.
  var sidecar: Sidecar? { Sidecar(at: sidecarPath) }

  /// Whether it is there, whole, by this model, of these scans as they are now, and computed as it would be.
  /// - Throws: `.cannotWrite` where one by another model is there and may not be replaced.
  func stands(
    of model: TrainedModel, _ scans: SourceScans, _ options: Completion.Options
  ) throws -> Bool {
    let exists = FileManager.default.fileExists(atPath: path)
    guard exists, !options.replaces, let sidecar else { return false }
    guard sidecar.modelSHA256 == model.sha256 else {
      throw Failure(
        .cannotWrite, "\(path): was computed by another model; replace it with \(Term.recomputes)")
    }
    let derivation = sidecar.derivation
    guard derivation.sources == scans.links, derivation.reference == scans.reference,
      derivation.isAxialAlone == options.isAxialAlone, derivation.biasField == options.biasField,
      sidecar.alignedBy == scans.alignment.rule,
      (sidecar.withheld ?? [])
        == model.withholdings.withheld(for: sidecar.modality, given: Set(scans.modalities)),
      sidecar.precision == LibTorch.precision.note,
      scans.paths.indices.allSatisfy({ isOf(scans.paths[$0], at: $0, derivation, scans) })
    else { return false }
    return (try? NIfTI.read(path: path, limit: options.voxelLimit)) != nil
  }

  /// The first of the scans that it was computed of which is there and is another now, from the data set's folder; nil where
  /// there is none. One that is gone, or whose contents were not fetched, says nothing.
  func changedScan(among scans: SourceScans) -> String? {
    guard let derivation = sidecar?.derivation else { return nil }
    for (place, link) in derivation.sources.enumerated() {
      guard let path = scans.path(of: link), !isOf(path, at: place, derivation, scans) else { continue }
      do {
        _ = try NIfTI.readHeader(path: path, limit: .max)
      } catch let failure as Failure where failure.kind == .notFound {
        continue
      } catch {}
      return scans.inCohort(path)
    }
    return nil
  }

  /// Whether a scan is the one that it was computed of. What an earlier version wrote does not tell the scans' digests; there
  /// a scan that was modified since counts as another.
  private func isOf(_ scan: String, at place: Int, _ derivation: Derivation, _ scans: SourceScans) -> Bool {
    guard let digests = derivation.digests else {
      guard let written = modified(path), let changed = modified(scan) else { return false }
      return changed <= written
    }
    return digests.indices.contains(place) && digests[place] == scans.digest(of: scan)
  }

  private func modified(_ path: String) -> Date? {
    let target = Path.resolved(path) ?? path
    return (try? FileManager.default.attributesOfItem(atPath: target))?[.modificationDate] as? Date
  }

  /// Removes it and what stands beside it.
  /// - Returns: whether it is gone.
  func remove() -> Bool {
    guard unlink(path) == 0 else { return false }
    unlink(sidecarPath)
    return true
  }
}

extension Derivation {
  /// Of a person's scans as they are now.
  init(_ scans: SourceScans, _ options: Completion.Options) {
    self.init(
      sources: scans.links, digests: scans.digests, reference: scans.reference,
      isAxialAlone: options.isAxialAlone, biasField: options.biasField)
  }
}

/// The scans of one person as they are now. Each is read at most once to tell whether it changed.
final class SourceScans {
  /// What a model takes, in its order.
  let paths: [String]
  /// How they come onto one grid.
  let alignment: ScanAlignment
  let modalities: [Modality]
  private let cohort: String
  private var known: [String: String] = [:]
  /// How BIDS names files of the data set that a folder of derivatives links to as `raw`.
  private static let scheme = "bids:raw:"

  init(_ task: CompletionTask, in cohort: String, onto alignment: ScanAlignment) {
    (paths, self.cohort) = (task.files.map(\.path), Path.withoutEnd(cohort) + "/")
    (modalities, self.alignment) = (task.files.map(\.modality), alignment)
  }

  /// The link to the scan that has the grid of what is computed.
  var reference: String? {
    if modalities.isEmpty { return nil }
    return modalities.firstIndex(of: alignment.reference(of: modalities)).map { links[$0] }
  }

  var links: [String] { paths.map { Self.scheme + inCohort($0) } }

  /// Where the scan lies that a link names.
  func path(of link: String) -> String? {
    link.hasPrefix(Self.scheme) ? cohort + link.dropFirst(Self.scheme.count) : nil
  }

  /// A path from the data set's folder.
  func inCohort(_ path: String) -> String {
    path.hasPrefix(cohort) ? String(path.dropFirst(cohort.count)) : path
  }

  /// SHA-256 of a file; nil where it cannot be read.
  func digest(of path: String) -> String? {
    if let digest = known[path] { return digest }
    let digest = (try? SHA256.ofFile(path))?.digest
    known[path] = digest
    return digest
  }

  /// Of what a model takes, in its order; nil where one cannot be read.
  var digests: [String]? {
    let all = paths.compactMap { digest(of: $0) }
    return all.count == paths.count ? all : nil
  }
}
