import Experiments
import Files
import Foundation
import Torch

/// Where and with what the figures were taken.
struct Machine {
  /// Load averages before and after, which tell whether the machine was quiet.
  private let loadBefore = Machine.load

  private static var load: String {
    let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
    return text.split(separator: " ").prefix(1).joined()
  }

  private static func value(of key: String, in path: String) -> String {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
    let value = line?.split(whereSeparator: { $0 == ":" || $0 == "=" }).dropFirst().first ?? "?"
    return value.trimmingCharacters(in: .whitespaces.union(["\""]))
  }

  func markdown(torch: String, threads: Int, repeats: Int) -> String {
    let date = ISO8601DateFormatter.string(
      from: Date(), timeZone: .gmt, formatOptions: [.withFullDate])
    let kilobytes = Double(
      Machine.value(of: "MemTotal", in: "/proc/meminfo").split(separator: " ").first ?? "0")
    let memory = String(format: "%.0f GB", (kilobytes ?? 0) * 1024 / 1e9)
    let commit = Process.output(of: ["git", "rev-parse", "--short", "HEAD"], quiet: true)
    let swift = Process.output(of: ["swift", "--version"], quiet: true)?.split(separator: "\n").first
    let rows = [
      ["date", date],
      [
        "processor",
        "\(Machine.value(of: "model name", in: "/proc/cpuinfo")), "
          + "\(ProcessInfo.processInfo.activeProcessorCount) cores",
      ],
      ["memory", memory],
      ["system", Machine.value(of: "PRETTY_NAME", in: "/etc/os-release")],
      ["aginet", Version.current + (commit.map { " (\($0))" } ?? "")],
      ["LibTorch", LibTorch.version],
      ["PyTorch of the peer", torch],
      ["Swift", swift.map(String.init) ?? "?"],
      ["threads", "\(threads)"],
      ["repetitions", "\(repeats), in turn; medians, and in brackets fastest to slowest"],
      ["load average before and after", "\(loadBefore), \(Machine.load)"],
    ]
    return markdownTable(["", ""], rows)
  }
}
