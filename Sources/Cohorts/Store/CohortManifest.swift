import Failures
import Files
import Foundation
import Imaging

/// `cohort.json` of a prepared cohort: what was stored, from which files, and how to undo it.
public struct CohortManifest: Codable, Sendable, Equatable {
  /// What the file says it is.
  public static let format = "aginet prepared cohort"
  /// Raised when the layout on disk changes.
  public static let version = 3
  /// Those that are read: version 1, of aginet 0.1.0, kept the chosen slices alone, and both before 3 nothing above a scan's scale.
  static let readable = 1...3
  /// Its name inside the folder.
  public static let fileName = "cohort.json"

  public var format = CohortManifest.format
  public var version = CohortManifest.version
  /// The layout it was read from: `bids`, `ixi`, `brats`.
  public var layout: String
  /// The name of the folder it was read from.
  public var name: String
  /// The modalities that subjects have, in the order in which they are stored.
  public var modalities: [Modality]
  /// Rows and columns of a slice as it is read.
  public var height: Int
  public var width: Int
  public var sliceRule: SliceRule
  /// How intensities were scaled, in words.
  public var intensity: String
  /// Where the splits come from, in words.
  public var splits: String
  /// The program's version.
  public var program: String
  /// Programs known here that computed the scans, by name: `aginet phantom`. Nil in stores of before this was kept.
  public var generatedBy: [String]? = nil
  /// In order of their identifiers.
  public var subjects: [Subject]
  /// Subjects that could not be used, and why.
  public var leftOut: [LeftOut]
  /// What the user was told as it was prepared, one sentence each; nil in stores of aginet 0.1.0.
  public var notes: [String]?

  /// Of a slice as it is read.
  public var extent: Extent { Extent(height, width) }
  /// Whether there is no room above a scan's scale, whatever rule an image is read by.
  package var hasNoRoom: Bool { version < 3 }
  /// Whether what is above it was cut off: for want of room, or before slices were resized.
  package var cutsAboveScale: Bool { hasNoRoom || subjects.contains { $0.resized } }

  /// One subject's volumes and their origin.
  public struct Subject: Codable, Sendable, Equatable {
    public var id: String
    /// Subjects of one patient (time points, sessions) share it.
    public var patient: String
    public var split: Split
    /// The slices that are used: indices along the foot-to-head axis of the grid below, ascending.
    public var slices: [Int]
    /// Voxels (right to left, anterior to posterior, foot to head) of the subject's grid in LPS order.
    public var dimensions: [Int]
    /// Voxel size in mm, in the same order.
    public var spacing: [Double]
    /// The axes of the file that gave the grid, such as `LAS`.
    public var orientation: String
    /// Row and column of a slice as it is read at which the grid's first voxel lies; negative where cropped.
    public var offset: [Int]
    /// Whether slices were resized to fill the image (then `offset` is 0, 0).
    public var resized: Bool
    /// First and last plane, row and column of the stored grid that hold a voxel of at least a tenth of its scan's scale;
    /// nil in stores of aginet 0.1.0.
    public var signal: [[Int]]?
    /// In the order of the store's modalities, those that the subject has.
    public var scans: [Scan]
    /// The file with the label map, where labels are stored beside the volumes.
    public var labels: Source?
    /// CRC-32C of the `.slices` and `.labels` files, eight hexadecimal digits; nil in stores of aginet 0.1.0.
    public var slicesChecksum: String?
    public var labelsChecksum: String?

    /// Whose visit the subject is, where one person may be several subjects; nil where it is named as its patient is.
    package var sharedPatient: String? { patient == id ? nil : patient }

    /// Those of the contrasts that the subject does not have.
    package func lacking(_ modalities: [Modality]) -> [Modality] {
      modalities.filter { modality in !scans.contains { $0.modality == modality } }
    }

    /// The scale of a modality: the intensity stored as 1.
    public func scale(of modality: Modality) -> Double? {
      scans.first { $0.modality == modality }?.scale
    }
  }

  /// One modality of one subject.
  public struct Scan: Codable, Sendable, Equatable {
    public var modality: Modality
    /// The intensity (in the file's own units) stored as 1; 0 is stored as 0.
    public var scale: Double
    /// Share of the volume's voxels above `scale`, which count as 1 by the percentile's rule.
    public var clippedAbove: Double
    /// Share of the volume's voxels below 0, stored as 0.
    public var clippedBelow: Double
    /// Whether it was resampled onto the subject's grid.
    public var resampled: Bool
    public var source: Source
    /// Digest of the voxels as read: equal for copies under another header. nil in stores of aginet 0.1.0.
    public var content: String?
  }

  /// A file that was read, relative to the cohort's folder.
  public struct Source: Codable, Sendable, Equatable {
    public var file: String
    public var bytes: Int
    public var sha256: String
  }

  /// A subject that is not in the store.
  public struct LeftOut: Codable, Sendable, Equatable {
    public var id: String
    public var reason: String
  }

  /// Planes, rows and columns of a subject's volumes as they are stored.
  func grid(of subject: Subject) -> Extent {
    let sides = subject.dimensions
    return subject.resized ? Extent(sides[2], height, width) : Extent(sides[2], sides[1], sides[0])
  }

  /// mm from a voxel of a subject's slices, as they are read, to the next: along rows (x), along columns (y), between slices
  /// (z).
  public func spacing(of subject: Subject) -> SIMD3<Double> {
    var spacing = SIMD3<Double>(repeating: 1)
    for axis in 0..<min(3, subject.spacing.count) where subject.spacing[axis] > 0 {
      spacing[axis] = subject.spacing[axis]
    }
    // Slices that were resized fill the image, so that its pixels have another size than the scan's voxels.
    if subject.resized, subject.dimensions.count >= 2 {
      spacing.x *= Double(subject.dimensions[0]) / Double(width)
      spacing.y *= Double(subject.dimensions[1]) / Double(height)
    }
    return spacing
  }

  /// Row and column of a slice of this extent at which a plane begins that is padded or cropped alike on both sides.
  static func offset(of plane: Extent, in slice: Extent) -> [Int] {
    // Shifted, not divided: an odd difference rounds the same way whether it pads or crops.
    [(slice.rows - plane.rows) >> 1, (slice.columns - plane.columns) >> 1]
  }

  static func slicesFile(_ id: String) -> String { "subjects/\(id).slices" }
  static func labelsFile(_ id: String) -> String { "subjects/\(id).labels" }

  /// The file's text: keys sorted, so that equal manifests are equal files.
  func encoded() throws -> String { try json() + "\n" }
}

extension CohortManifest {
  /// Bytes a manifest may have: that of 600 subjects has one megabyte.
  private static let largest = 1 << 28

  /// Reads and checks `cohort.json` of a prepared folder.
  ///
  /// Throws `.notFound` for a missing folder, `.malformed` for no manifest, another version or a contradiction.
  init(folder: String) throws {
    let path = "\(folder)/\(Self.fileName)"
    func malformed(_ what: String) -> Failure {
      Failure(.malformed, "\(what); run \(Term.preparation) again")
    }
    let noManifest = malformed("\(path): is not the manifest of a prepared cohort")
    var status = stat()
    guard stat(folder, &status) == 0 else {
      throw Failure(.notFound, "\(folder): no such folder; \(Term.preparation) makes one from your scans")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(.malformed, "\(folder): is a file; give the folder that \(Term.preparation) wrote")
    }
    guard stat(path, &status) == 0 else {
      let what = "\(folder): is not a prepared cohort (no \(Self.fileName))"
      throw Failure(.malformed, "\(what); run \(Term.preparation) first")
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.largest else { throw noManifest }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read; check its permissions")
    }
    // Only what every version will have, so that another version is told from a broken file.
    guard let document = try? StrictJSON.parse(data, file: path), document["format"]?.string == Self.format,
      let version = document["version"]?.integer
    else { throw noManifest }
    guard Self.readable.contains(version) else {
      let known = "this program reads \(Self.readable.lowerBound) to \(Self.version)"
      throw malformed("\(path): has format version \(version), \(known)")
    }
    do { self = try StrictJSON.decode(document, of: data, file: path) } catch {
      throw Failure(.malformed, "\(error); the file is damaged, run \(Term.preparation) again")
    }
    if let complaint = contradiction() { throw malformed("\(path): \(complaint)") }
  }
}
