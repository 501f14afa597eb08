import ArgumentParser
import CGuard
import Failures
import Files
import Foundation
import Torch

@main
struct AGINet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aginet", abstract: "Synthesise a missing MRI contrast from the ones you have.",
    discussion: """
      Start with 'aginet demo'. Exit codes: 0 ok, 1 unexpected, 2 usage, 3 input not found, 4 input malformed, \
      5 inputs inconsistent, 6 cannot write, 7 partial success, 8 over a limit, 9 model invalid, 10 numerical \
      failure, 11 refused, 129 hung up, 130/143 stopped by a signal after saving.
      """,
    version: Version.current,
    subcommands: [
      Demo.self, PhantomCommand.self, Prepare.self, Train.self, Evaluate.self, Assess.self, Synthesize.self,
      Complete.self,
      Segment.self,
      ReportCommand.self, Reproduce.self, Models.self, Info.self, Doctor.self, Cite.self,
    ])

  /// Runs the command and turns whatever it throws into one line and a documented exit code.
  static func main() {
    guard_standard_streams()
    CommandLineTerms.install()
    // A pipe that closes early (2>&1 | head) must not end a training; a result that it does not take is an error.
    signal(SIGPIPE, SIG_IGN)
    Unfinished.goesWithTheProgram()
    // A file over the user's size limit is an error to report, not a reason to die.
    signal(SIGXFSZ, SIG_IGN)
    LibTorch.onLackOfMemory = { sentence in
      let trains = ["train", "reproduce"].contains(CommandLine.arguments.dropFirst().first)
      end(.limit, "out of memory; use a smaller --batch\(trains ? " or --width" : "") (\(sentence))")
    }
    LibTorch.keepMemory()
    LibTorch.flushDenormals()
    useOwnCores()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      end(failure.kind, failure.message)
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch {
      let code = exitCode(for: error)
      if code == .success {
        // Help and versions.
        do { try Console.result(fullMessage(for: error)) } catch { end(.cannotWrite, "\(error)") }
        Foundation.exit(0)
      }
      if code == .validationFailure {
        Console.usage(fullMessage(for: error))
        Foundation.exit(Failure.Kind.usage.rawValue)
      }
      // Whatever it is, it is one line.
      end(.unexpected, "\(error)".split(whereSeparator: \.isNewline).joined(separator: " "))
    }
  }

  /// LibTorch knows the cores that the process is bound to, but neither what its control group grants nor Slurm's word.
  private static func useOwnCores() {
    guard ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] == nil else { return }
    let cores = CoreLimit.own.count
    if cores < LibTorch.threads { LibTorch.threads = cores }
  }

  private static func end(_ kind: Failure.Kind, _ message: String) -> Never {
    Console.error(message)
    Foundation.exit(kind.rawValue)
  }
}
