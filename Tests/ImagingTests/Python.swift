import Foundation

/// The scripts of `Support/golden`, for long tests alone: `swift test` needs no Python.
enum Python {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Runs `Support/golden/NAME` with the Python that `AGINET_PYTHON` names (else `python3`).
  ///
  /// - Returns: what it printed; nil where there is no Python with nibabel.
  static func run(_ name: String, _ arguments: [String]) throws -> (code: Int32, output: String)? {
    let program = ProcessInfo.processInfo.environment["AGINET_PYTHON"] ?? "python3"
    guard try start([program, "-c", "import nibabel"]).code == 0 else { return nil }
    return try start([program, "\(root)/Support/golden/\(name)"] + arguments)
  }

  private static func start(_ words: [String]) throws -> (code: Int32, output: String) {
    let (process, pipe) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
