import Files
import Foundation
import Testing

/// In a process of other tests: what is said here holds whatever they hold.
@Suite(.serialized) struct PeakMemoryTests {
  private func touched(_ count: Int) -> Int {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
    defer { bytes.deallocate() }
    // Each page once, with something that no compiler leaves out.
    for place in stride(from: 0, to: count, by: 4096) {
      bytes.storeBytes(of: UInt8(truncatingIfNeeded: place >> 12), toByteOffset: place, as: UInt8.self)
    }
    return Int(bytes.load(fromByteOffset: count / 2, as: UInt8.self))
  }

  @Test func whatWasHeldIsRemembered() throws {
    let held = try #require(PeakMemory.current)
    #expect(touched(256 << 20) >= 0)
    let peak = try #require(PeakMemory.bytes)
    #expect(peak >= held + 200 << 20)
  }

  @Test func aNewPeakBegins() throws {
    #expect(touched(512 << 20) >= 0)
    let before = try #require(PeakMemory.bytes)
    try #require(PeakMemory.reset())
    let after = try #require(PeakMemory.bytes)
    #expect(after <= before)
    #expect(after > 0)
  }
}
