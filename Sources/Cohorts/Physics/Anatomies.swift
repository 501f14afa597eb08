import Failures
import Files
import Foundation
import Imaging

/// Label maps of real heads, and masks of real lesions, from which heads are computed. Read once, kept in memory.
///
/// A folder holds one folder for each head with `labels.nii.gz` (codes of FreeSurfer, GIF or FAST, told apart by
/// themselves) and possibly `lesions.nii.gz` (1 where there is one); and a folder `lesions` with masks in MNI space, in
/// `ms` and `stroke`. What `write` makes is such a folder too.
public final class Anatomies: Sendable {
  package let heads: [Anatomy]
  package let lesions: [LesionMask]
  /// SHA-256 of all that heads are made from.
  public let digest: String

  /// Of the heads.
  public var names: [String] { heads.map(\.name) }

  /// The file that says that label maps hold `TissueClass` raw values.
  private static let marker = "tissues.json"
  private static let markerText = "{\"codes\": \"aginet-tissues-1\"}\n"

  /// - Throws: `.notFound` for a missing or empty folder, `.malformed` for what is no label map or of unknown codes,
  ///   `.inconsistent` for lesions on another grid than their labels.
  public init(folder: String, threads: Int = Parallel.coreCount) throws {
    let root = try Folder(folder)
    let isPacked = root.files.contains(Self.marker)
    let names = root.folders.filter { $0 != "lesions" }
    guard !names.isEmpty else {
      throw Failure(.notFound, "\(folder): holds no anatomies; each is a folder with labels.nii.gz in it")
    }
    heads = try Parallel.map(count: names.count, threads: threads) { index in
      try Self.head(root.path(of: names[index]), names[index], isPacked: isPacked)
    }
    lesions =
      root.folders.contains("lesions") ? try Self.lesions(root.path(of: "lesions"), threads: threads) : []
    digest = Self.digest(heads, lesions, threads: threads)
  }

  private static func head(_ path: String, _ name: String, isPacked: Bool) throws -> Anatomy {
    let folder = try Folder(path)
    guard let file = folder.scans.first(where: { $0.stem.lowercased() == "labels" }) else {
      throw Failure(.notFound, "\(path): has no labels.nii.gz")
    }
    let labelPath = folder.path(of: file.name)
    let labels = try LabelFile(path: labelPath)
    let present = labels.present()
    let codes =
      isPacked ? .tissueClasses : try LabelCodes(of: present, name: labelPath)
    let finest: Float = isPacked ? 0 : 0.75
    var map = try labels.labels(codes, of: present, finest: finest, name: labelPath)
    if let own = folder.scans.first(where: { $0.stem.lowercased() == "lesions" }) {
      let lesions = try LabelFile(path: folder.path(of: own.name))
      func largest(_ v: SIMD3<Float>) -> Float { max(v.max(), -v.min()) }
      let apart = largest(lesions.spacing - labels.spacing)
      // Voxel by voxel they belong together, also where one header counts from a voxel's corner and the other from its middle.
      let moved = largest((lesions.origin - labels.origin) / labels.spacing)
      guard lesions.dimensions == labels.dimensions, apart < 1e-3, moved < 0.51 else {
        throw Failure(
          .inconsistent, "\(folder.path(of: own.name)): is on another grid than \(file.name) beside it")
      }
      let mask = lesions.map(finest: finest) { $0 == 0 ? 0 : 1 }
      for at in map.voxels.indices where mask.voxels[at] == 1 {
        map.voxels[at] = TissueClass.plaque.rawValue
      }
    }
    let brain = map.voxels.count { LabelSet.brain[$0] }
    let litres = Double(Float(brain) * map.voxelVolume) / 1e6
    guard litres > 0.3, litres < 3 else {
      let size = String(format: "%.2f", litres)
      throw Failure(.malformed, "\(labelPath): holds \(size) litres of brain; a head has 0.3 to 3")
    }
    return Anatomy(name: name, labels: map, isPrepared: isPacked)
  }

  private static func lesions(_ path: String, threads: Int) throws -> [LesionMask] {
    let folder = try Folder(path)
    var files: [(path: String, name: String, kind: LesionMask.Kind)] = []
    for name in folder.folders {
      guard let kind = LesionMask.Kind(rawValue: name) else {
        let known = LesionMask.Kind.allCases.map(\.rawValue).joined(separator: " and ")
        throw Failure(.malformed, "\(folder.path(of: name)): an unknown kind of lesions; known are \(known)")
      }
      let inner = try Folder(folder.path(of: name))
      files += inner.scans.map { (inner.path(of: $0.name), "\(name)/\($0.stem)", kind) }
    }
    let listed = files
    let masks = try Parallel.map(count: listed.count, threads: threads) { index -> LesionMask? in
      let (path, name, kind) = listed[index]
      let labels = try LabelFile(path: path)
      guard let (map, low) = labels.map(finest: 0, { $0 == 0 ? 0 : 1 }).cropped() else { return nil }
      let offset = SIMD3<Float>(Float(low.x), Float(low.y), Float(low.z))
      return LesionMask(
        name: name, kind: kind, labels: map, origin: labels.origin + offset * labels.spacing)
    }
    return masks.compactMap { $0 }
  }

  private static func digest(_ heads: [Anatomy], _ lesions: [LesionMask], threads: Int) -> String {
    var parts = Parallel.map(count: heads.count, threads: threads) { index in
      var hash = SHA256()
      let head = heads[index]
      head.voxels.withUnsafeBytes { hash.update($0) }
      return "\(head.name) \(head.dimensions) \(head.spacing.rounded(toStep: 1e-4)) \(hash.hexadecimal())"
    }
    for mask in lesions {
      var hash = SHA256()
      mask.bits.withUnsafeBytes { hash.update($0) }
      let place = "\(mask.dimensions) \(mask.origin.rounded(toStep: 1e-2))"
      parts.append("\(mask.name) \(place) \(hash.hexadecimal())")
    }
    var whole = SHA256()
    Array(parts.joined(separator: "\n").utf8).withUnsafeBytes { whole.update($0) }
    return whole.hexadecimal()
  }

  /// Writes all of it, cropped and as tissues, to a new folder that `init` reads to the same digest.
  package func write(to folder: String) throws {
    guard !FileManager.default.fileExists(atPath: folder) else {
      throw Failure(.cannotWrite, "\(folder): exists already; name a new folder")
    }
    func write(
      _ voxels: [UInt8], _ dimensions: SIMD3<Int>, _ spacing: SIMD3<Float>, _ origin: SIMD3<Float>,
      to path: String
    ) throws {
      let (size, first) = (SIMD3<Double>(spacing), SIMD3<Double>(origin))
      let affine = Affine(
        [-size.x, 0, 0, -first.x], [0, -size.y, 0, -first.y], [0, 0, size.z, first.z])
      do {
        try FileManager.default.createDirectory(
          atPath: Path.folder(path), withIntermediateDirectories: true)
      } catch { throw Failure(.cannotWrite, "\(Path.folder(path)): cannot be made") }
      let volume = Volume(dimensions: dimensions, affine: affine, voxels: voxels.map { Float($0) })
      try NIfTI.write(volume, as: .uint8, to: path, level: 9)
    }
    for head in heads {
      let path = "\(folder)/\(head.name)/labels.nii.gz"
      try write(head.packed, head.dimensions, head.spacing, .zero, to: path)
    }
    for mask in lesions {
      let count = mask.dimensions.x * mask.dimensions.y * mask.dimensions.z
      let voxels = (0..<count).map { UInt8(mask.bits[$0 >> 6] >> UInt64($0 & 63) & 1) }
      let path = "\(folder)/lesions/\(mask.name).nii.gz"
      try write(voxels, mask.dimensions, mask.spacing, mask.origin, to: path)
    }
    do {
      try Data(Self.markerText.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(Self.marker)"))
    } catch { throw Failure(.cannotWrite, "\(folder)/\(Self.marker): cannot be written") }
  }
}

extension SIMD3<Float> {
  fileprivate func rounded(toStep step: Float) -> SIMD3<Float> {
    (self / step).rounded(.toNearestOrEven) * step
  }
}
