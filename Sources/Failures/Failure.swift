/// Why a command could not do what was asked: one line for the person, one exit code for the script.
///
/// The codes are documented for users and frozen. A failure's message names the file (or flag), what is
/// wrong in the user's units, and what would mend it; it holds no line break.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, by the exit code a script sees.
  public enum Kind: Int32, Sendable, CaseIterable {
    case unexpected = 1
    /// A command line that makes no sense.
    case usage = 2
    /// An input that is missing or cannot be read.
    case notFound = 3
    /// An input that is not what it should be: not NIfTI, truncated, NaN.
    case malformed = 4
    /// Inputs that disagree: geometry, modality, split.
    case inconsistent = 5
    /// An output that cannot be written, or exists and was not to be overwritten.
    case cannotWrite = 6
    /// Some of the work was done; the failures are listed.
    case partial = 7
    /// Out of memory, or over a stated limit.
    case limit = 8
    /// A model or checkpoint that is not one, or does not fit.
    case invalidModel = 9
    /// NaN or infinity where a number is needed.
    case numerical = 10
    /// A safety check said no.
    case refused = 11
    /// Stopped by SIGHUP, as when a terminal goes away, after a checkpoint was saved.
    case hungUp = 129
    /// Stopped by SIGINT after a checkpoint was saved.
    case interrupted = 130
    /// Stopped by SIGTERM, or what batch systems send before it (SIGUSR1, SIGUSR2, SIGXCPU), after a checkpoint was saved.
    case terminated = 143
  }

  /// Whether a signal stopped the program, after it had saved.
  public var isStop: Bool { [.hungUp, .interrupted, .terminated].contains(kind) }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  public var description: String { message }
  public var exitCode: Int32 { kind.rawValue }
}
