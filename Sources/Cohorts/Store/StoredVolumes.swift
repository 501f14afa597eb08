import Imaging

/// A box of a subject's grid, in voxels; it may reach beyond.
struct Box: Sendable {
  var planes: Range<Int>, rows: Range<Int>, columns: Range<Int>

  init(planes: Range<Int>, rows: Range<Int>, columns: Range<Int>) {
    (self.planes, self.rows, self.columns) = (planes, rows, columns)
  }

  /// What a sample sees: of slices and slabs the stored image, wherever it lies on the grid.
  init(
    of reference: SampleReference, _ region: Region, in subject: CohortManifest.Subject,
    _ manifest: CohortManifest
  ) {
    var (corner, sizes) = (reference.place, region.extent(ofSlices: manifest.extent).sizes)
    if sizes.count == 2 {
      corner = [corner[0] - region.depth / 2, -subject.offset[0], -subject.offset[1]]
      sizes.insert(region.depth, at: 0)
    }
    planes = corner[0]..<corner[0] + sizes[0]
    rows = corner[1]..<corner[1] + sizes[1]
    columns = corner[2]..<corner[2] + sizes[2]
  }

  /// Of a slab the plane in the middle, else all.
  func middle(of region: Region) -> Box {
    guard case .slab(let depth) = region else { return self }
    var box = self
    box.planes = planes.lowerBound + depth / 2..<planes.lowerBound + depth / 2 + 1
    return box
  }
}

/// A file of the store and where in it a subject's planes lie, whichever version wrote it.
///
/// Volumes are kept whole, [channel][plane][row][column], of which version 2 cut off what is above 1. Version 1 (aginet 0.1.0)
/// kept the slices that the rule chose, [slice][channel][row][column], padded or cropped already.
struct StoredVolumes: Sendable {
  let file: StoreFile
  let channels: Int
  /// The planes that are stored; in version 1 those of the rule, which lie outermost.
  private let planes: [Int]
  private let planesAreOutermost: Bool
  /// The rows and columns of the grid that a stored plane has; beyond the grid where version 1 padded.
  private let rows: Range<Int>, columns: Range<Int>

  /// Bytes of a voxel.
  private let size: Int
  /// What stands for 1 in a voxel of an image.
  let one: Float

  /// Opens a subject's file of voxels of so many bytes. Throws what `StoreFile` throws.
  init(
    _ path: String, of subject: CohortManifest.Subject, in manifest: CohortManifest, channels: Int, size: Int,
    checksum: String?
  ) throws {
    (self.size, one) = (size, StoredIntensity.one(in: manifest))
    self.channels = channels
    planesAreOutermost = manifest.version == 1
    let (top, left) = (subject.offset[0], subject.offset[1])
    let grid = manifest.grid(of: subject)
    planes = planesAreOutermost ? subject.slices : Array(0..<grid.planes)
    rows = planesAreOutermost ? -top..<manifest.height - top : 0..<grid.rows
    columns = planesAreOutermost ? -left..<manifest.width - left : 0..<grid.columns
    file = try StoreFile(
      path: path, size: channels * planes.count * rows.count * columns.count * size, checksum: checksum)
  }

  /// The planes before this one in the file, or nil where it is not stored.
  private func place(of plane: Int, _ channel: Int) -> Int? {
    if planesAreOutermost { return planes.firstIndex(of: plane).map { $0 * channels + channel } }
    return planes.indices.contains(plane) ? channel * planes.count + plane : nil
  }

  /// Hands over what is stored of a box, a row at a time, with its first voxel's place in the box. One read a plane.
  private func forEachRow(
    of channel: Int, in box: Box, _ body: (_ row: UnsafeRawPointer, _ count: Int, _ place: Int) -> Void
  ) throws {
    let (rows, columns) = (box.rows.clamped(to: rows), box.columns.clamped(to: columns))
    guard !rows.isEmpty, !columns.isEmpty else { return }
    let stride = self.columns.count * size
    try withUnsafeTemporaryAllocation(byteCount: rows.count * stride, alignment: 16) { part in
      guard let base = part.baseAddress else { return }
      for (number, plane) in box.planes.enumerated() {
        guard let place = place(of: plane, channel) else { continue }
        try file.read(
          into: part, at: (place * self.rows.count + rows.lowerBound - self.rows.lowerBound) * stride)
        for (line, row) in rows.enumerated() {
          body(
            base + line * stride + (columns.lowerBound - self.columns.lowerBound) * size, columns.count,
            (number * box.rows.count + row - box.rows.lowerBound) * box.columns.count
              + columns.lowerBound - box.columns.lowerBound)
        }
      }
    }
  }

  /// Whether all of a box is stored.
  private func holds(_ box: Box) -> Bool {
    box.rows.clamped(to: rows) == box.rows && box.columns.clamped(to: columns) == box.columns
      && box.planes.allSatisfy { place(of: $0, 0) != nil }
  }

  /// Fills `image` (as large as the box) with a channel, 1 being what the scan was divided by, and 0 where nothing is stored. Throws
  /// as `StoreFile.read`.
  func read(_ channel: Int, _ box: Box, into image: UnsafeMutableBufferPointer<Float>) throws {
    if !holds(box) { image.initialize(repeating: 0) }
    try forEachRow(of: channel, in: box) { row, count, place in
      let stored = UnsafeBufferPointer(start: row.assumingMemoryBound(to: UInt16.self), count: count)
      let target = UnsafeMutableBufferPointer(rebasing: image[place..<place + count])
      // Divided, not multiplied by a rounded reciprocal: what stands for 1 must come back as exactly 1, of whatever version.
      for index in 0..<count { target[index] = Float(UInt16(littleEndian: stored[index])) / one }
    }
  }

  /// How many of a channel's stored voxels have each of the 65,536 values. Throws as `StoreFile.read`.
  func counts(of channel: Int) throws -> [Int] {
    var counts = [Int](repeating: 0, count: 1 << 16)
    guard let first = planes.first, let last = planes.last else { return counts }
    let whole = Box(planes: first..<last + 1, rows: rows, columns: columns)
    try counts.withUnsafeMutableBufferPointer { counts in
      try forEachRow(of: channel, in: whole) { row, count, _ in
        let stored = UnsafeBufferPointer(start: row.assumingMemoryBound(to: UInt16.self), count: count)
        for value in stored { counts[Int(UInt16(littleEndian: value))] &+= 1 }
      }
    }
    return counts
  }

  /// How many bytes of a file of labels have each value. Throws as `StoreFile.read`.
  func labelCounts() throws -> [UInt8: Int] {
    var counts = [Int](repeating: 0, count: 256)
    try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { part in
      for start in stride(from: 0, to: file.size, by: part.count) {
        let read = UnsafeMutableRawBufferPointer(rebasing: part[..<min(part.count, file.size - start)])
        try file.read(into: read, at: start)
        for byte in read { counts[Int(byte)] += 1 }
      }
    }
    return Dictionary(
      uniqueKeysWithValues: counts.enumerated().filter { $0.element > 0 }.map {
        (UInt8($0.offset), $0.element)
      })
  }

  /// The same for labels, which are stored as they are.
  func read(_ box: Box, into labels: UnsafeMutableBufferPointer<UInt8>) throws {
    if !holds(box) { labels.initialize(repeating: 0) }
    try forEachRow(of: 0, in: box) { row, count, place in
      UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(labels)[place..<place + count])
        .copyMemory(from: UnsafeRawBufferPointer(start: row, count: count))
    }
  }
}
