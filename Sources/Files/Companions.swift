import Synchronization

/// Processes of one work on this computer, which share its cores and its memory.
public enum Companions {
  private static let stored = Atomic<Int>(1)

  /// How many there are, this one included; to be set before anything is taken.
  public static var count: Int {
    get { stored.load(ordering: .relaxed) }
    set { stored.store(max(1, newValue), ordering: .relaxed) }
  }
}
