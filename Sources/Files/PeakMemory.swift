import CGuard
import Foundation

/// The memory that this process holds, as the kernel counts it: pages that are in memory (Linux; nil where nothing tells).
///
/// What an allocator keeps for later use counts as held, so what an operation needs shows after a `reset`, which has that
/// given back where it can be (glibc).
public enum PeakMemory {
  /// The most bytes that were held since the process began, or since `reset`.
  public static var bytes: Int? { value("VmHWM") }

  /// Bytes that are held now.
  public static var current: Int? { value("VmRSS") }

  /// Has `bytes` begin anew at what is held now, once freed memory is given back.
  /// - Returns: whether the kernel does that; where not, `bytes` goes on.
  @discardableResult public static func reset() -> Bool {
    guard_trim()
    guard let file = fopen("/proc/self/clear_refs", "w") else { return false }
    let written = fputs("5", file)
    return fclose(file) == 0 && written >= 0
  }

  /// A line of the process's status, which is in kB: `VmHWM:     1234 kB`.
  private static func value(_ key: String) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
    return line.flatMap { $0.split { $0 == " " || $0 == "\t" }.dropFirst().first }.flatMap { Int($0) }.map {
      $0 * 1024
    }
  }
}
