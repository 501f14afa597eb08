import Foundation

/// The long forms of tests, which `make soak` runs before a release.
public enum Soak {
  public static let isOn = ProcessInfo.processInfo.environment["AGINET_SOAK"] != nil

  /// How often a test does what it does: so often every time, so often before a release.
  public static func count(_ usual: Int, soak: Int) -> Int { isOn ? soak : usual }

  /// Writes a figure that `RELIABILITY.md` quotes to standard output, in a long run alone.
  public static func report(_ sentence: String) {
    if isOn { print("soak: \(sentence)") }
  }
}
