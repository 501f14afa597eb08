import Failures
import Files
import Foundation
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's own examples, and lengths about the 56- and 64-byte limits (from Python's hashlib).
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    (String(repeating: "a", count: 1000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
  ])
  func knownDigests(text: String, digest: String) {
    var whole = SHA256()
    Array(text.utf8).withUnsafeBytes { whole.update($0) }
    #expect(whole.hexadecimal() == digest)
    var pieces = SHA256()
    for start in stride(from: 0, to: text.utf8.count, by: 37) {
      Array(text.utf8.dropFirst(start).prefix(37)).withUnsafeBytes { pieces.update($0) }
    }
    #expect(pieces.hexadecimal() == digest)
  }

  @Test func filesThatCannotBeRead() throws {
    let failure = try #require(throws: Failure.self) { _ = try SHA256.ofFile("/nonexistent/file") }
    #expect(failure.kind == .notFound)
  }
}
