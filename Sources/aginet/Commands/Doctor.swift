import ArgumentParser
import Experiments
import Failures
import Files
import Foundation
import Torch

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what this installation found, and how to mend what is wrong.",
    discussion: example("aginet doctor"))

  @Option(help: "cpu, cuda or cuda:N.")
  var device = "cpu"

  func run() throws {
    var wrong: Failure.Kind?
    var lines: [String] = []
    func line(_ name: String, _ value: String, fix: String? = nil, _ kind: Failure.Kind = .notFound) {
      lines.append(
        "\(fix == nil ? "ok   " : "FIX  ")\(name.padding(toLength: 12, withPad: " ", startingAt: 0))\(value)")
      if let fix {
        lines.append("     \(String(repeating: " ", count: 12))-> \(fix)")
        // The first of several.
        wrong = wrong ?? kind
      }
    }

    line("aginet", Version.current)
    let library = Installation.libTorch
    line("LibTorch", "\(LibTorch.version), \(library ?? "where the system's loader found it")")
    if let origin = Installation.origin { line("", origin) }
    let sum = Tensor([1, 2, 3] as [Float], shape: [3]).sum().item
    line(
      "arithmetic", "1 + 2 + 3 = \(sum)",
      fix: sum == 6 ? nil : "LibTorch computes wrongly: run make setup again")
    do {
      line("device", "\(try Device(named: device)) works, \(LibTorch.cudaDevices) CUDA device(s)")
    } catch {
      line("device", "\(error)", fix: "install a GPU driver and run make setup, or use --device cpu")
    }
    line("threads", Self.threads)
    line("waiting", Self.waiting)
    do {
      line("atlas", try Installation.atlas())
    } catch {
      line("atlas", "\(error)", fix: "make setup")
    }
    for model in ShippedModel.all {
      let state = model.state
      line(
        "model", "\(model.name), \(state.words)",
        fix: state.failure == nil ? nil : "copy \(model.file) again from the release")
    }
    let here = FileManager.default.currentDirectoryPath
    // Begun, and gone again: permissions do not tell of every folder that takes no file.
    let isWritten = (try? AtomicFile(here + "/.aginet-doctor")) != nil
    line(
      "folder", "\(here) can\(isWritten ? "" : "not") be written",
      fix: isWritten ? nil : "change to a folder of your own", .cannotWrite)
    try Console.result(lines.joined(separator: "\n"))
    if let wrong { throw ExitCode(wrong.rawValue) }
  }

  /// How many threads and cores there are, and what decides.
  private static var threads: String {
    let cores = CoreLimit.own
    let isAsked = ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] != nil
    return "\(LibTorch.threads)\(isAsked ? ", by OMP_NUM_THREADS," : "") of \(cores.count) "
      + "core\(cores.count == 1 ? "" : "s") (\(cores.origin))"
  }

  /// What OpenMP was told of threads that wait: by the program's start, or before it.
  private static var waiting: String {
    let told = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"].compactMap { name in
      ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
    }
    return told.isEmpty
      ? "as OpenMP has it: threads that wait may keep others from the cores" : told.joined(separator: " ")
  }
}
