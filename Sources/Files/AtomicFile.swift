import Failures
import Foundation
import Glibc

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a hidden temporary file in the same folder; `commit()` flushes it to the disk, renames it and
/// flushes the folder. A file that is dropped without `commit()` leaves nothing behind.
public final class AtomicFile {
  /// Writes at most `count` bytes and returns how many, or -1 with `errno` set, as `write(2)`.
  package typealias Write = (Int32, UnsafeRawPointer?, Int) -> Int

  public let path: String
  private let temporary: Unfinished
  private let replacing: Bool
  private let write: Write

  /// Opens a temporary file beside `path`. Where `replacing` is false, `commit()` fails if the name is taken.
  public convenience init(_ path: String, replacing: Bool = true) throws {
    try self.init(path, replacing: replacing) { Glibc.write($0, $1, $2) }
  }

  package init(_ path: String, replacing: Bool, write: @escaping Write) throws {
    (self.path, self.replacing, self.write) = (path, replacing, write)
    try AtomicFile.refuse(path, replacing: replacing)
    temporary = try Unfinished(for: path)
  }

  /// Refuses a name that cannot be written to, or is taken.
  static func refuse(_ path: String, replacing: Bool) throws {
    if path.isEmpty || path.hasSuffix("/") {
      throw Failure(.cannotWrite, "\(path): is a folder, not a file name to write to")
    }
    var info = stat()
    // A link that leads nowhere is there too.
    guard lstat(path, &info) == 0 else { return }
    if !replacing { throw exists(path) }
    guard stat(path, &info) == 0 else { return }
    switch info.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw Failure(.cannotWrite, "\(path): cannot write: a folder has this name")
    // Whoever reads from a pipe or a device would be left with nothing.
    default: throw Failure(.cannotWrite, "\(path): is no regular file; choose another name")
    }
  }

  /// Adds bytes at the end of the temporary file.
  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard writeAll(bytes, to: temporary.file, by: write) else { throw abandon(errno) }
  }

  public func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try append($0) } }

  /// Writes over bytes that were appended before, `place` bytes from the start; what is appended next follows the end.
  package func overwrite(_ bytes: [UInt8], at place: Int) throws {
    guard lseek(temporary.file, off_t(place), SEEK_SET) >= 0 else { throw abandon(errno) }
    try append(bytes)
    guard lseek(temporary.file, 0, SEEK_END) >= 0 else { throw abandon(errno) }
  }

  /// Brings all that was written to the disk, which may take seconds.
  public func flush() throws {
    // Network file systems report a full disk only here.
    guard fsync(temporary.file) == 0 else { throw abandon(errno) }
  }

  /// Gives the finished file its name.
  /// - Parameter lasts: whether the folder is flushed too; another file that gets its name there at once does that for both.
  public func commit(flushing lasts: Bool = true) throws {
    try flush()
    try AtomicFile.move(temporary, to: path, replacing: replacing, flushing: lasts)
  }

  /// Gives a file that is flushed its final name.
  static func move(_ temporary: Unfinished, to path: String, replacing: Bool, flushing lasts: Bool = true)
    throws
  {
    if !replacing, link(temporary.path, path) == 0 {
      unlink(temporary.path)
    } else {
      // A file system without hard links: look first, then rename.
      let isTaken = !replacing && (errno == EEXIST || access(path, F_OK) == 0)
      guard !isTaken, rename(temporary.path, path) == 0 else {
        let code = errno
        temporary.discard()
        throw isTaken ? exists(path) : .cannotWrite(path, code)
      }
    }
    guard temporary.finish() == 0 else {
      let code = errno
      unlink(path)
      throw Failure.cannotWrite(path, code)
    }
    if lasts { flush(Path.folder(path)) }
  }

  /// Some file systems cannot flush a folder; its files are complete either way.
  static func flush(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  /// Writes a whole file at once.
  public static func write(_ bytes: [UInt8], to path: String, replacing: Bool = true) throws {
    let file = try AtomicFile(path, replacing: replacing)
    try file.append(bytes)
    try file.commit()
  }

  /// Writes a whole text file at once, in UTF-8.
  public static func write(_ text: String, to path: String, replacing: Bool = true) throws {
    try write(Array(text.utf8), to: path, replacing: replacing)
  }

  private func abandon(_ code: Int32) -> Failure {
    temporary.discard()
    return .cannotWrite(path, code)
  }

  static func exists(_ path: String) -> Failure {
    Failure(
      .cannotWrite, "\(path): exists already; remove it, choose another name or give \(Term.overwrites)")
  }
}
