import CTorch
import Failures
import Foundation

/// Processes that train one network together, each on its share of every batch: LibTorch's c10d, over Gloo.
///
/// What one rank asks of its group all others must ask too, in the same order. Where one of them ends, or is not heard of for
/// too long, operations from then on do nothing, and `check` throws. Numbers are the same bits on all ranks, and in every run.
/// Use it from one thread.
public final class ProcessGroup {
  /// Which of the processes this is, from 0, and how many there are.
  public let rank: Int, size: Int
  /// Which it is of those on this machine, and how many those are.
  public let localRank: Int, localSize: Int
  /// The number of the GPU that is this one's.
  public let gpu: Int
  /// How often a launcher has started any of them anew.
  public let attempt: Int
  private let table: MeetingPlace
  let pointer: OpaquePointer
  private let patience: Double
  /// Whether a launcher keeps the table, and not rank 0.
  private let isKept: Bool
  private var lost: Failure?
  private var assemblies = 0

  /// Bytes that are sent together: some milliseconds' worth.
  private static let bucket: Int64 = 25 << 20

  /// Joins the others; waits for them for five minutes.
  /// - Parameters:
  ///   - patience: seconds after which a rank that gives no sign of life counts as lost. Whatever it computes or waits
  ///     for, a process gives one twice a second, unless it was stopped.
  ///   - work: what they are to do together, alike on all of them; processes that do another do not join.
  ///   - waiting: told who is being waited for, once that has taken ten seconds.
  /// - Throws: `.notFound` where they cannot be found, `.usage` where the port is in use.
  public init(
    joining meeting: Meeting, patience: Double = 60, work: String = "", waiting: (String) -> Void = { _ in }
  ) throws {
    (rank, size) = (meeting.rank, meeting.size)
    (localRank, localSize) = (meeting.localRank, meeting.localSize)
    (gpu, isKept, self.patience) = (meeting.gpu, meeting.isKept, patience)
    let place = try MeetingPlace(of: meeting)
    let round = try Round(of: meeting, at: place, work: work, waiting: waiting)
    (attempt, table) = (round.attempt, try MeetingPlace(place, under: round.name))
    // What is on one machine need not be asked how it is called.
    let address = meeting.isLocal ? "127.0.0.1" : ""
    guard
      let pointer = ct_group_make(
        table.pointer, Int32(rank), Int32(size), address, meeting.interfaces, patience)
    else { throw Failure(.notFound, "rank \(rank) of \(size) cannot join the others: \(LibTorch.lastLine)") }
    self.pointer = pointer
  }

  deinit { ct_group_free(pointer) }

  /// Whether this one writes and speaks for all.
  public var isFirst: Bool { rank == 0 }

  /// - Throws: `.unexpected` where another rank is lost, naming it if that is known.
  public func check() throws { if let lost { throw lost } }

  // MARK: - Sums

  /// `x` added up over all ranks. Gradients go back as `GradientAverage` needs them: the mean over ranks of what each one
  /// then has is the gradient of the sum.
  public func sum(_ x: Tensor) -> Tensor {
    let whole = x.detached.copied()
    add([whole], scaledBy: 1)
    return x.requiresGradient ? whole + (x - x.detached) * Double(size) : whole
  }

  /// Replaces tensors by their means over ranks.
  public func average(_ tensors: [Tensor]) { add(tensors, scaledBy: 1 / Double(size)) }

  /// Overwrites tensors with those of rank 0.
  public func broadcast(_ tensors: [Tensor]) {
    guard !tensors.isEmpty else { return }
    withList(tensors) { note(ct_group_broadcast(pointer, $0, $1, Self.bucket)) }
  }

  /// Numbers added up over all ranks.
  public func sum(_ values: [Double]) -> [Double] {
    let tensor = Tensor(values, shape: [values.count])
    add([tensor], scaledBy: 1)
    return tensor.values()
  }

  /// The same of pixels.
  public func sum(_ values: [Float]) -> [Float] {
    let tensor = Tensor(values, shape: [values.count])
    add([tensor], scaledBy: 1)
    return tensor.values()
  }

  /// The numbers of rank 0.
  public func broadcast(_ values: [Double]) -> [Double] {
    let tensor = Tensor(values, shape: [values.count])
    broadcast([tensor])
    return tensor.values()
  }

  private static let stops: [Failure.Kind] = [.interrupted, .hungUp, .terminated]

  /// Why all are to stop, where any of them was asked to.
  /// - Throws: `.unexpected` where a rank is lost.
  public func agreed(stop: Failure.Kind?) throws -> Failure.Kind? { try sum([], stop: stop).stop }

  /// Numbers added up over all ranks, and in the same exchange why all are to stop, where any of them was asked to.
  /// - Throws: `.unexpected` where a rank is lost.
  public func sum(_ values: [Double], stop: Failure.Kind?) throws -> (sums: [Double], stop: Failure.Kind?) {
    let sums = sum(values + Self.stops.map { $0 == stop ? 1 : 0 })
    try check()
    return (
      Array(sums.prefix(values.count)), zip(Self.stops, sums.dropFirst(values.count)).first { $1 > 0 }?.0
    )
  }

  /// Returns when all ranks have come here, however far apart; `sum` and its kind wait for half an hour at most. Nothing is
  /// asked of another rank's process then, which may end at once.
  /// - Throws: `.unexpected` where a rank is lost.
  public func assemble() throws {
    assemblies += 1
    try meet("here")
    // Where rank 0 keeps the table, it stays until all have read it.
    if !isKept { try meet("read", waits: isFirst) }
  }

  private func meet(_ place: String, waits: Bool = true) throws {
    func name(of rank: Int) -> String { "\(place)/\(assemblies)/\(rank)" }
    _ = claim(name(of: rank), by: place)
    for other in 0..<size where waits && other != rank {
      while claim(name(of: other), by: "") == nil {
        try listen()
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
  }

  /// To be called now and then in long works that ask nothing of the others.
  /// - Throws: `.unexpected` where another rank has ended, or has not been heard of for too long.
  public func listen() throws {
    note(ct_group_check(pointer))
    if lost == nil, claim(Self.ending, by: "") != nil {
      lost = Failure(.unexpected, "another rank has ended")
    }
    try check()
  }

  /// Sets what nobody has set, unless `text` is empty.
  /// - Returns: what another has set; nil where none has, and where nobody answers.
  private func claim(_ name: String, by text: String) -> String? {
    // Nobody else's text is quite this one's.
    let own = text.isEmpty ? "" : "\(text) \(UInt64.random(in: 0 ... .max))"
    let found = MeetingPlace.text { ct_group_claim(pointer, name, own, $0, $1) } ?? ""
    return found.isEmpty || found == own ? nil : found.split(separator: " ").first.map(String.init)
  }

  /// Returns when all ranks have come here.
  public func wait() { _ = sum([0.0]) }

  /// The text of rank 0.
  /// - Parameter text: asked for on rank 0 alone.
  /// - Throws: what `text` throws, and `.unexpected` where a rank is lost.
  public func shared(_ text: () throws -> String) throws -> String {
    let bytes = isFirst ? Array(try text().utf8) : []
    let count = Int(broadcast([Double(bytes.count)])[0])
    try check()
    let all = Tensor(isFirst ? bytes : Array(repeating: 0, count: count), shape: [count])
    broadcast([all])
    try check()
    return String(decoding: all.values(UInt8.self), as: UTF8.self)
  }

  private func add(_ tensors: [Tensor], scaledBy factor: Double) {
    guard !tensors.isEmpty else { return }
    withList(tensors) { note(ct_group_sum(pointer, $0, $1, factor, Self.bucket)) }
  }

  // MARK: - Ends

  func note(_ status: Int32) {
    guard status != 0, lost == nil else { return }
    let line = LibTorch.lastLine
    let isSilent = line.contains("has not been heard of")
    lost = Failure(.unexpected, isSilent ? line : "another rank has ended (\(line))")
  }

  /// What this rank says of the error that ends it; nil where another says why.
  ///
  /// What all ranks meet, rank 0 says; what one of them meets, it says itself; and of one that is gone without a word, the first
  /// that comes to it.
  public func account(for error: any Error) -> (kind: Failure.Kind, message: String?) {
    let failure = error as? Failure ?? Failure(.unexpected, "\(error)")
    if lost == nil {
      if !isFirst { Thread.sleep(forTimeInterval: 0.5) }
      // A table that does not answer would not for minutes.
      let said =
        Int(ct_group_quiet(pointer)) == Self.noTable
        ? nil : claim(Self.ending, by: "\(failure.kind.rawValue)")
      return (failure.kind, said == nil ? (isFirst ? "" : "rank \(rank): ") + failure.message : nil)
    }
    // Whoever knows why has three seconds to say so; who is stopped says nothing.
    let isSilent = failure.message.contains("has not been heard of")
    var quiet = -1
    for _ in 0..<30 {
      Thread.sleep(forTimeInterval: 0.1)
      quiet = Int(ct_group_quiet(pointer))
      if quiet == Self.noTable { break }
      if let said = claim(Self.ending, by: "") {
        return (Failure.Kind(rawValue: Int32(said) ?? 1) ?? .unexpected, nil)
      }
      if isSilent { break }
    }
    let who =
      quiet == Self.noTable
      ? "the process where all ranks meet" : quiet < 0 ? "another rank" : "rank \(quiet)"
    let line = isSilent ? failure.message : "\(who) has ended without a word"
    // Without a table the lowest rank that can be left speaks.
    let isSaid =
      quiet == Self.noTable
      ? rank > (isKept ? 0 : 1) : claim(Self.ending, by: "\(failure.kind.rawValue)") != nil
    return (
      failure.kind,
      isSaid
        ? nil
        : "\(line); what was saved is kept; start anew to go on from there, a training with \(Term.resumes)"
    )
  }

  /// Before a process ends that has failed: where the others meet at it, it lets them see that, and lasts until they have read why
  /// and gone too, but for one that is silent, or until the patience is over.
  public func leave() {
    guard !isKept else { return }
    func name(of rank: Int) -> String { "left/\(rank)" }
    if Int(ct_group_quiet(pointer)) != Self.noTable { _ = claim(name(of: rank), by: "left") }
    guard isFirst else { return }
    ct_group_leave(pointer)
    let end = ContinuousClock.now + .seconds(patience)
    func isThere(_ other: Int) -> Bool {
      other != Int(ct_group_quiet(pointer)) && claim(name(of: other), by: "") == nil
    }
    while .now < end, (1..<size).contains(where: isThere) { Thread.sleep(forTimeInterval: 0.1) }
  }

  private static let ending = "ending", noTable = -2
}
