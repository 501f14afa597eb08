import Failures
import Foundation
import Glibc
import Synchronization

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a hidden temporary file in the same folder; `commit()` flushes it to the disk, renames it and
/// flushes the folder. A file that is dropped without `commit()` leaves nothing behind.
public final class AtomicFile {
  /// Writes at most `count` bytes and returns how many, or -1 with `errno` set, as `write(2)`.
  package typealias Write = (Int32, UnsafeRawPointer?, Int) -> Int

  public let path: String
  private let temporary: String
  private let replacing: Bool
  private let write: Write
  private var descriptor: Int32

  /// Opens a temporary file beside `path`. Where `replacing` is false, `commit()` fails if the name is taken.
  public convenience init(_ path: String, replacing: Bool = true) throws {
    try self.init(path, replacing: replacing) { Glibc.write($0, $1, $2) }
  }

  package init(_ path: String, replacing: Bool, write: @escaping Write) throws {
    let (folder, name) = AtomicFile.split(path)
    self.path = path
    self.replacing = replacing
    self.write = write
    if name.isEmpty { throw Failure(.cannotWrite, "\(path): is a folder, not a file name to write to") }
    var info = stat()
    if stat(path, &info) == 0 {
      if info.st_mode & S_IFMT == S_IFDIR {
        throw Failure(.cannotWrite, "\(path): cannot write: a folder has this name")
      }
      if !replacing { throw AtomicFile.exists(path) }
    }
    // A long name is cut so that the temporary one still fits in the file system's 255 bytes.
    let stem = String(decoding: Array(name.utf8.prefix(200)), as: UTF8.self)
    let number = AtomicFile.counter.wrappingAdd(1, ordering: .relaxed).newValue
    temporary = "\(folder)/.\(stem).\(getpid())-\(number).partial"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw AtomicFile.failure(path, errno) }
  }

  deinit { discard() }

  /// Adds bytes at the end of the temporary file.
  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { throw abandon(count < 0 ? errno : EIO) }
      done += count
    }
  }

  public func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try append($0) } }

  /// Gives the finished file its name.
  public func commit() throws {
    // Network file systems report a full disk only here.
    guard fsync(descriptor) == 0 else { throw abandon(errno) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw abandon(errno) }
    if replacing {
      guard rename(temporary, path) == 0 else { throw abandon(errno) }
    } else if link(temporary, path) == 0 {
      unlink(temporary)
    } else if errno == EEXIST {
      _ = abandon(EEXIST)
      throw AtomicFile.exists(path)
    } else {
      // A file system without hard links: look first, then rename.
      guard access(path, F_OK) != 0 else {
        _ = abandon(EEXIST)
        throw AtomicFile.exists(path)
      }
      guard rename(temporary, path) == 0 else { throw abandon(errno) }
    }
    let folder = open(AtomicFile.split(path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      // Some file systems cannot flush a folder; the file itself is complete either way.
      _ = fsync(folder)
      close(folder)
    }
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

  private static let counter = Atomic<Int>(0)

  private func discard() {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
    descriptor = -1
  }

  private func abandon(_ code: Int32) -> Failure {
    discard()
    unlink(temporary)
    return AtomicFile.failure(path, code)
  }

  private static func exists(_ path: String) -> Failure {
    Failure(.cannotWrite, "\(path): exists already; remove it, choose another name or give --force")
  }

  private static func failure(_ path: String, _ code: Int32) -> Failure {
    let folder = split(path).folder
    let reason =
      switch code {
      case ENOENT, ENOTDIR: "the folder \(folder) does not exist; make it first"
      case EACCES, EPERM, EROFS: "no permission to write in \(folder)"
      case ENOSPC, EDQUOT: "no space left in \(folder); free some and run again"
      case ENAMETOOLONG: "the name is too long"
      default: String(cString: strerror(code))
      }
    return Failure(.cannotWrite, "\(path): cannot write: \(reason)")
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (
      slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...])
    )
  }
}
