/// How a head is cut into slices.
public enum HeadPlane: String, Codable, CaseIterable, Sendable {
  /// Columns from right to left, rows from anterior to posterior.
  case axial
  /// Columns from right to left, rows from head to foot.
  case coronal
  /// Columns from anterior to posterior, rows from head to foot.
  case sagittal

  /// Of columns, rows and planes.
  public var orientation: Orientation {
    switch self {
    case .axial: .lps
    case .coronal: HeadPlane.lip
    case .sagittal: HeadPlane.pil
    }
  }

  private static let lip = HeadPlane.orientation("LIP"), pil = HeadPlane.orientation("PIL")

  private static func orientation(_ letters: String) -> Orientation {
    guard let orientation = Orientation(letters) else { preconditionFailure("\(letters) is no orientation") }
    return orientation
  }
}
