import Failures
import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  var entries: [Safetensors.Entry] = []
  var metadata: [String: String] = [:]
  /// Bytes from the file's start to the first tensor.
  var size = 0
  private let path: String

  init(_ data: Data, path: String) throws {
    self.path = path
    try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      let json = try locate(in: bytes)
      let document: JSONValue
      do throws(JSONParser.Problem) { document = try JSONParser.parse(json, deepest: 4) } catch {
        throw invalid("the header is not valid JSON at byte \(8 + error.offset): \(error.what)")
      }
      guard let members = document.members else { throw invalid("the header is not a JSON object") }
      try read(members)
      try checkCoverage(of: bytes.count - size)
    }
  }

  private func invalid(_ what: String) -> Failure {
    Failure(.invalidModel, "\(path): is not a valid safetensors file: \(what)")
  }

  private mutating func locate(in bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
    // The second byte of a pickle is its protocol; of a safetensors file, almost always a header size.
    let start = Array(bytes.prefix(9))
    let brace = start.count > 8 && start[8] == UInt8(ascii: "{")
    let pickled = start.count > 1 && start[0] == 0x80 && start[1] <= 5 && !brace
    if pickled || start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      let cure = "in Python: safetensors.torch.save_file(model.state_dict(), ...)"
      throw Failure(.invalidModel, "\(path): is a PyTorch pickle; aginet reads only safetensors (\(cure))")
    }
    guard bytes.count >= 8 else { throw invalid("it ends within the header's size; the file is cut short") }
    let count = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard count <= UInt64(Safetensors.largestHeader) else {
      throw invalid("its header would be \(count) bytes, over the format's limit of 100 MB")
    }
    guard Int(count) <= bytes.count - 8 else {
      throw invalid(
        "its header should be \(count) bytes but only \(bytes.count - 8) follow; the file is cut short")
    }
    guard brace, count > 0 else { throw invalid("its header does not start with {") }
    size = 8 + Int(count)
    return UnsafeRawBufferPointer(rebasing: bytes[8..<size])
  }

  private mutating func read(_ members: [JSONValue.Member]) throws {
    entries.reserveCapacity(members.count)
    for member in members {
      if member.key == "__metadata__" {
        guard let pairs = member.value.members else { throw invalid("__metadata__ is not an object") }
        for pair in pairs {
          guard let text = pair.value.string else {
            throw invalid("__metadata__ \"\(pair.key.printable)\" is not text")
          }
          metadata[pair.key] = text
        }
      } else {
        entries.append(try entry(member))
      }
    }
  }

  private func entry(_ member: JSONValue.Member) throws -> Safetensors.Entry {
    let tensor = "tensor \"\(member.key.printable)\""
    guard let fields = member.value.members else { throw invalid("\(tensor) is not described by an object") }
    for field in fields where !["dtype", "shape", "data_offsets"].contains(field.key) {
      throw invalid("\(tensor) has an unknown key \"\(field.key.printable)\"")
    }
    guard let dtype = member.value["dtype"]?.string else { throw invalid("\(tensor) has no dtype") }
    guard let type = Safetensors.DataType(rawValue: dtype) else {
      throw invalid("\(tensor) has the unknown dtype \"\(dtype.printable)\"")
    }
    guard let extents = member.value["shape"]?.elements else { throw invalid("\(tensor) has no shape") }
    let shape = extents.compactMap(\.integer)
    guard shape.count == extents.count, shape.allSatisfy({ $0 >= 0 }) else {
      throw invalid("\(tensor) has a shape that is not of whole numbers from 0 up")
    }
    guard let count = type.byteCount(of: shape) else {
      throw invalid("\(tensor) has a shape too large for any memory")
    }
    guard let offsets = member.value["data_offsets"]?.elements else {
      throw invalid("\(tensor) has no data_offsets")
    }
    let bounds = offsets.compactMap(\.integer)
    guard offsets.count == 2, bounds.count == 2, bounds[0] >= 0, bounds[0] <= bounds[1] else {
      throw invalid("\(tensor) has data_offsets that are not a begin and an end")
    }
    guard bounds[1] - bounds[0] == count else {
      throw invalid("\(tensor) should take \(count) bytes by its shape but has \(bounds[1] - bounds[0])")
    }
    return Safetensors.Entry(name: member.key, type: type, shape: shape, bytes: bounds[0]..<bounds[1])
  }

  private mutating func checkCoverage(of count: Int) throws {
    // Swift's sort keeps the header's order among empty tensors at one place.
    entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
    var end = 0
    for entry in entries {
      let begin = entry.bytes.lowerBound
      if begin < end { throw invalid("tensor \"\(entry.name.printable)\" overlaps the one before it") }
      if begin > end {
        throw invalid("\(begin - end) bytes before tensor \"\(entry.name.printable)\" are unused")
      }
      end = entry.bytes.upperBound
    }
    if end > count {
      throw invalid("its tensors need \(end) bytes but only \(count) follow; the file is cut short")
    }
    if end < count { throw invalid("\(count - end) bytes follow the last tensor") }
  }
}
