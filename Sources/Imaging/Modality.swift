import Files

/// An MRI contrast, named as the field names it.
public enum Modality: String, Choice, Hashable, CodingKeyRepresentable {
  case t1, t2, pd, flair, t1gd

  /// The name a radiologist writes: `T1`, `T2`, `PD`, `FLAIR`, `T1Gd`.
  public var title: String { self == .t1gd ? "T1Gd" : rawValue.uppercased() }

  /// Reads a modality by name or common synonym, in any case: `t1w`, `t1n`, `t1c`, `t1ce`, `t2f`, …
  public init?(name: some StringProtocol) {
    switch name.lowercased() {
    case "t1", "t1w", "t1n": self = .t1
    case "t2", "t2w": self = .t2
    case "pd", "pdw": self = .pd
    case "flair", "t2f", "t2flair": self = .flair
    case "t1gd", "t1c", "t1ce", "ce-gadolinium_t1w": self = .t1gd
    default: return nil
    }
  }
}

extension [Modality] {
  /// `T1, T2, PD`
  package var titles: String { map(\.title).joined(separator: ", ") }
}
