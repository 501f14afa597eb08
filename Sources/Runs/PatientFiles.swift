import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Training

/// A patient's volumes and the file that is computed of them: what every such computation checks, reads and writes alike.
struct PatientFiles {
  /// The model file, an input too.
  let model: String
  let volumes: [(modality: Modality, path: String)]
  /// Another file that is read beside them.
  var beside: String?
  /// The volume to write; the sidecar has the same name with `.json`.
  let output: String
  let replaces: Bool
  let voxelLimit: Int
  /// How scans on other grids come onto one.
  let alignment: ScanAlignment

  /// As a sidecar names what wrote it.
  static let program = "aginet"

  var sidecar: String { PatientFiles.sidecar(of: output) }

  private static func sidecar(of volume: String) -> String {
    let stem = volume.lowercased().hasSuffix(".gz") ? String(volume.dropLast(3)) : volume
    return (stem.lowercased().hasSuffix(".nii") ? String(stem.dropLast(4)) : stem) + ".json"
  }

  /// Whether the sidecar is what a run left that was ended just before its volume got its name.
  private var isOrphaned: Bool {
    guard RunFolder.isFolder(output) == nil, let data = FileManager.default.contents(atPath: sidecar) else {
      return false
    }
    let text = try? StrictJSON.parse(data, file: sidecar)
    return text?["GeneratedBy"]?["Name"]?.string == PatientFiles.program && text?["Warning"] != nil
  }

  /// The last part of a volume's path: all that a sidecar says of where it lay.
  func name(of modality: Modality) -> String {
    Path.name(volumes.last { $0.modality == modality }?.path ?? "")
  }

  // MARK: - Before any work

  /// - Throws: `.usage` for an output of another kind, `.cannotWrite` where an output exists or has no folder, `.refused`
  ///   where it would replace an input, `.inconsistent` where one file is given twice.
  func check() throws {
    try checkOutput()
    try checkInputs()
  }

  private func checkOutput() throws {
    guard [".nii", ".nii.gz"].contains(where: output.lowercased().hasSuffix) else {
      throw Failure(.usage, "\(output): the output's name must end in .nii or .nii.gz")
    }
    for path in [output, sidecar] {
      guard let isFolder = RunFolder.isFolder(path) else { continue }
      for input in [model] + volumes.map(\.path) + [beside].compactMap({ $0 }) where isOneFile(path, input) {
        throw Failure(.refused, "\(path): is an input, which is never overwritten; choose another name")
      }
      if isFolder { throw Failure(.cannotWrite, "\(path): is a folder; choose another name") }
      guard replaces || path == sidecar && isOrphaned else {
        throw Failure(.cannotWrite, "\(path): exists already; choose another name or give \(Term.overwrites)")
      }
    }
    for (_, input) in volumes where Path.isSame(sidecar, PatientFiles.sidecar(of: input)) {
      throw Failure(
        .refused, "\(sidecar): is where what is known of the input \(input) stands; choose another name")
    }
    let folder = Path.folder(output)
    guard RunFolder.isFolder(folder) == true else {
      throw Failure(.cannotWrite, "\(output): there is no folder \(folder); make it first")
    }
    guard access(folder, W_OK) == 0 else {
      throw Failure(.cannotWrite, "\(output): \(folder) cannot be written in; choose another folder")
    }
    // Some folders take no file, whatever their permissions say: one is begun, and goes again.
    _ = try AtomicFile(output, replacing: replaces)
  }

  /// - Throws: `.inconsistent` where one file is given twice.
  private func checkInputs() throws {
    for (place, file) in volumes.enumerated() {
      for other in volumes[..<place] where isOneFile(file.path, other.path) {
        throw Failure(
          .inconsistent,
          "\(file.path): is given as \(other.modality.title) and as \(file.modality.title); name each scan once"
        )
      }
    }
  }

  private func isOneFile(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(a, &first) == 0 && stat(b, &second) == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// The grid that the volumes lie on or come onto, in LPS order, by their headers: all that is read.
  /// - Returns: the bytes, too, that volumes take which do not lie on it, before they are brought there.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken, where one file is given twice and where grids differ
  ///   that nothing brings together; what reading a header throws.
  func grid(for card: ModelCard) throws -> (grid: Grid, elsewhere: Int) {
    try checkInputs()
    let paths = Dictionary(volumes.map { ($0.modality, $0.path) }) { _, last in last }
    _ = try card.ordered(paths)
    let order = order(for: card)
    let grids = try order.compactMap { modality in
      try paths[modality].map {
        (name: $0, grid: try NIfTI.readHeader(path: $0, limit: voxelLimit).grid)
      }
    }
    for (name, grid) in grids { try grid.checkSize(name: name) }
    guard alignment.rule != nil, let place = order.firstIndex(of: alignment.reference(of: order)) else {
      try grids.checkAlike()
      return (grids[0].grid.reoriented(to: .lps), 0)
    }
    let grid = grids[place].grid
    let others = grids.filter { !$0.grid.isSame(as: grid) }.map { 4 * $0.grid.voxelCount }
    return (grid.reoriented(to: .lps), others.reduce(0, +))
  }

  /// The contrasts that are given, in the model's order.
  func order(for card: ModelCard) -> [Modality] {
    card.scenario.sources.filter { source in volumes.contains { $0.modality == source } }
  }

  // MARK: - Reading and writing

  /// What is read of the files.
  struct Contents {
    /// By contrast, with their paths.
    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    var headers: [Modality: NIfTIHeader] = [:]
    /// What the headers betray.
    var findings: [ScanCheck.Finding] = []
    /// Whose grid they lie on; nil where none of them is one that the model takes.
    var reference: Modality?
    /// Where those came to lie that were brought there; nil where all had to lie there.
    var placements: [ScanPlacement]?

    /// What the headers betray, and what became of scans on other grids.
    var notes: [String] { ScanCheck.lines(findings) + (placements ?? []).map(\.note) }

    /// Hands over the volumes whole, so that no second reference keeps them in memory.
    mutating func takeVolumes() -> [Modality: (name: String, volume: Volume)] {
      defer { volumes = [:] }
      return volumes
    }
  }

  /// The volumes, on one grid where `alignment` asks for that.
  /// - Parameter begins: is told in words what begins, where it takes a while.
  /// - Throws: what `NIfTI.read` and `ScanAlignment.align` throw; `.inconsistent` for a modality that is missing or not taken.
  func read(for card: ModelCard, begins: (String) throws -> Void = { _ in }) throws -> Contents {
    var contents = Contents()
    contents.findings = ScanCheck.findings(ofNames: volumes)
    for (modality, path) in volumes {
      let image = try NIfTI.read(path: path, limit: voxelLimit)
      contents.volumes[modality] = (path, image.volume)
      contents.headers[modality] = image.header
      contents.findings += ScanCheck.findings(of: image.header, name: Path.name(path))
    }
    _ = try card.ordered(contents.headers)
    let order = order(for: card)
    contents.reference = alignment.reference(of: order)
    if alignment.rule != nil {
      contents.placements = try alignment.align(&contents.volumes, in: order, begins: begins)
    }
    return contents
  }

  /// Writes a volume on the grid of `header`, and before it gets its name the text that stands beside it: no volume ever
  /// stands without one. Where the volume then fails, what stood there before does again.
  func write(
    _ volume: Volume, like header: NIfTIHeader?, as type: Datatype, description: String, beside text: String
  ) throws {
    let isReplaced = replaces || isOrphaned
    let before = isReplaced ? FileManager.default.contents(atPath: sidecar) : nil
    let beside = try AtomicFile(sidecar, replacing: isReplaced)
    try beside.append(Array((text + "\n").utf8))
    try beside.flush()
    var stands = false
    do {
      try NIfTI.write(
        volume, like: header, as: type, description: description, to: output, replacing: replaces
      ) {
        try beside.commit(flushing: false)
        stands = true
      }
    } catch {
      if stands {
        if let before { try? AtomicFile.write([UInt8](before), to: sidecar) } else { unlink(sidecar) }
      }
      throw error
    }
  }
}
