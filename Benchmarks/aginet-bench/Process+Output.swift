import Foundation

extension Process {
  /// What a command prints, or nil where it cannot be started or fails.
  static func output(of command: [String], quiet: Bool = false) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    if quiet { process.standardError = FileHandle.nullDevice }
    guard (try? process.run()) != nil else { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// This program with other arguments, in a process of its own.
  static func outputOfOwn(_ arguments: [String]) -> String? {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return output(of: [program] + arguments)
  }

  /// What this program with other arguments prints as JSON; nil, with a word about it, where it fails.
  static func figuresOfOwn<Figures: Decodable>(_ arguments: [String]) -> Figures? {
    let figures = outputOfOwn(arguments).flatMap {
      try? JSONDecoder().decode(Figures.self, from: Data($0.utf8))
    }
    if figures == nil { note("failed: aginet-bench \(arguments.joined(separator: " "))") }
    return figures
  }
}

/// The most memory this process has held so far, in bytes; nil where the system does not say.
func peakMemory() -> Int? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
      Int($0)
    })
  else { return nil }
  return kilobytes * 1024
}
