import Failures
import Foundation
import Synchronization

/// A TensorBoard log: scalars by tag and step, readable while it grows.
///
/// A run that is resumed starts a new file beside the old ones; TensorBoard merges all files of a folder.
/// Each record is handed to the system at once, whole, so a killed process loses none.
public final class EventFile {
  public let path: String
  private let descriptor: Int32
  private let now: () -> Double

  /// Makes `events.out.tfevents.<seconds>.<host>.<pid>.<n>` in a folder that exists.
  /// - Parameter resumingAt: the first step of this file; what older files say of it and of later steps is hidden.
  /// - Throws: `Failure(.cannotWrite)`.
  public convenience init(in folder: String, resumingAt step: Int? = nil) throws {
    try self.init(in: folder, resumingAt: step, host: Host.name, process: getpid()) {
      Date().timeIntervalSince1970
    }
  }

  package init(
    in folder: String, resumingAt step: Int?, host: String, process: Int32, now: @escaping () -> Double
  ) throws {
    let start = now()
    var descriptor: Int32 = -1
    var path = ""
    repeat {
      let number = EventFile.counter.wrappingAdd(1, ordering: .relaxed).oldValue
      path = "\(folder)/events.out.tfevents.\(Int(start)).\(host).\(process).\(number)"
      descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    } while descriptor < 0 && errno == EEXIST
    if descriptor < 0 { throw Failure.cannotWrite(path, errno) }
    (self.path, self.descriptor, self.now) = (path, descriptor, now)
    var version = ProtobufMessage()
    version.add(1, start)
    version.add(3, "brain.Event:2")
    try append(version)
    if let step {
      // SessionLog.status START: TensorBoard then drops events of this step and later from older files.
      var session = ProtobufMessage()
      session.add(1, 1 as Int64)
      try append(session, as: 7, at: step)
    }
  }

  deinit { close(descriptor) }

  /// Adds one point to each tag's curve.
  public func add(_ scalars: [(tag: String, value: Float)], step: Int) throws {
    var summary = ProtobufMessage()
    for scalar in scalars {
      var value = ProtobufMessage()
      value.add(1, scalar.tag)
      value.add(2, scalar.value)
      summary.add(1, value)
    }
    try append(summary, as: 5, at: step)
  }

  public func add(_ value: Float, tag: String, step: Int) throws { try add([(tag, value)], step: step) }

  private static let counter = Atomic<Int>(0)

  /// An event of this step that holds a message as this field.
  private func append(_ message: ProtobufMessage, as field: UInt64, at step: Int) throws {
    var event = ProtobufMessage()
    event.add(1, now())
    event.add(2, Int64(step))
    event.add(field, message)
    try append(event)
  }

  /// A TFRecord: length, its checksum, the message, its checksum.
  private func append(_ message: ProtobufMessage) throws {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    func checked(_ part: [UInt8]) -> [UInt8] { part + bytes(CRC32C.masked(part)) }
    let record = checked(bytes(UInt64(message.bytes.count))) + checked(message.bytes)
    guard record.withUnsafeBytes({ writeAll($0, to: descriptor) }) else {
      throw Failure.cannotWrite(path, errno)
    }
  }
}

/// The machine this process runs on.
enum Host {
  static var name: String {
    var buffer = [CChar](repeating: 0, count: 256)
    let found = gethostname(&buffer, buffer.count - 1)
    let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return found == 0 && !name.isEmpty && !name.contains("/") ? name : "localhost"
  }
}
