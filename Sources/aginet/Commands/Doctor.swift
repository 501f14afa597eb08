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
    var isWell = true
    var lines: [String] = []
    func line(_ name: String, _ value: String, fix: String? = nil) {
      lines.append(
        "\(fix == nil ? "ok   " : "FIX  ")\(name.padding(toLength: 12, withPad: " ", startingAt: 0))\(value)")
      if let fix {
        lines.append("     \(String(repeating: " ", count: 12))-> \(fix)")
        isWell = false
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
    line("threads", "\(LibTorch.threads) of \(ProcessInfo.processInfo.activeProcessorCount) cores")
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
    line(
      "folder", "\(here) can\(access(here, W_OK) == 0 ? "" : "not") be written",
      fix: access(here, W_OK) == 0 ? nil : "change to a folder of your own")
    try Console.result(lines.joined(separator: "\n"))
    if !isWell { throw ExitCode(Failure.Kind.notFound.rawValue) }
  }
}
