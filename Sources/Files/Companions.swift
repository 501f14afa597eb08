import Synchronization

/// Processes of one work on this computer, which share its cores and its memory.
public enum Companions {
  private static let stored = Atomic<Int>(1), together = Atomic<Bool>(false)

  /// How many there are, this one included; to be set before anything is taken.
  public static var count: Int {
    get { stored.load(ordering: .relaxed) }
    set { stored.store(max(1, newValue), ordering: .relaxed) }
  }

  /// Whether one of them started the others, so that what it was bound to is all of theirs together; else a launcher may have bound
  /// each to its own.
  public static var areBoundTogether: Bool {
    get { together.load(ordering: .relaxed) }
    set { together.store(newValue, ordering: .relaxed) }
  }
}
