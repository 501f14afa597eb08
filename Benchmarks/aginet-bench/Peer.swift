import Foundation
import Torch

/// The PyTorch peer: one Python process that times one repetition whenever it is asked.
final class Peer {
  enum Mode: String, Sendable {
    case eager
    case compiled = "compile"
  }

  /// Folder of `bench.py`.
  let folder: String
  let threads: Int
  /// PyTorch's version.
  private(set) var version: String
  private let process = Process()
  private let requests = Pipe(), answers = Pipe()
  private var pending = Data()
  /// Cases that failed, with the reason: they are not asked for again.
  private var failures: [String: String] = [:]

  /// `$AGINET_PYTHON`, else `python3`.
  static var python: String { ProcessInfo.processInfo.environment["AGINET_PYTHON"] ?? "python3" }

  /// Nil where Python or its torch is missing.
  init?(folder: String, threads: Int, keeping cases: Int, _ precision: Precision = .float32) {
    self.folder = folder
    self.threads = threads
    guard
      let version = Process.output(
        of: [Peer.python, "-c", "import torch; print(torch.__version__)"], quiet: true)
    else { return nil }
    self.version = version
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [
        Peer.python, "\(folder)/bench.py", "--serve", "--threads", "\(threads)", "--keep", "\(cases)",
        "--precision", precision.rawValue,
      ]
    process.standardInput = requests
    process.standardOutput = answers
    guard (try? process.run()) != nil else { return nil }
  }

  deinit {
    try? requests.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Channels-last, and with the fused Adam, which is the faster one: the difference is to be the networks'.
  private func fields(_ item: Case, _ mode: Mode) -> [String: Any] {
    [
      "what": item.work.rawValue, "network": item.network.rawValue, "batch": item.size.batch,
      "size": item.size.side, "width": item.size.width, "mode": mode.rawValue, "channels_last": true,
      "fused_adam": true, "device": item.device.description, "dimensions": item.size.dimensions,
      "groups": item.groups,
    ]
  }

  /// Seconds of one repetition; nil, and a word about it the first time, where the peer cannot run the case.
  func seconds(_ item: Case, _ mode: Mode) -> Double? {
    let name = "\(mode) \(item.network.rawValue), \(item.work.title), \(item.size)"
    guard failures[name] == nil else { return nil }
    let answer = ask(fields(item, mode))
    if let seconds = answer["seconds"] as? Double { return seconds }
    let reason = answer["error"] as? String ?? "no answer"
    failures[name] = reason
    note("the peer cannot run \(name): \(reason.prefix(300))")
    return nil
  }

  /// Drops what it keeps ready.
  func release() { _ = ask(["release": true]) }

  private func ask(_ request: [String: Any]) -> [String: Any] {
    guard process.isRunning, var line = try? JSONSerialization.data(withJSONObject: request) else {
      return ["error": "the process has ended"]
    }
    line.append(0x0A)
    guard (try? requests.fileHandleForWriting.write(contentsOf: line)) != nil else { return [:] }
    while !pending.contains(0x0A) {
      let more = answers.fileHandleForReading.availableData
      if more.isEmpty { return ["error": "the process has ended"] }
      pending.append(more)
    }
    let parts = pending.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    pending = Data(parts[1])
    return (try? JSONSerialization.jsonObject(with: parts[0])) as? [String: Any] ?? [:]
  }

  /// The most memory that a case takes in a process of its own, in bytes.
  func peakMemory(_ item: Case) -> Int? {
    let output = Process.output(of: [
      Peer.python, "\(folder)/bench.py", "--what", item.work.rawValue, "--network", item.network.rawValue,
      "--batch", "\(item.size.batch)", "--size", "\(item.size.side)", "--width", "\(item.size.width)",
      "--dimensions", "\(item.size.dimensions)", "--groups", "\(item.groups)", "--channels-last",
      "--fused-adam", "--threads", "\(threads)",
      "--repeats", "2",
    ])
    guard let line = output?.split(separator: "\n").last,
      let answer = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any],
      let megabytes = answer["peak_rss_mb"] as? Double
    else { return nil }
    return Int(megabytes * 1_048_576)
  }
}

/// Progress and remarks; results alone go to stdout.
func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
