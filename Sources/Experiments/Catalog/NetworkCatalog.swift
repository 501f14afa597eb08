import Failures
import Files
import Networks

/// The generators that can be named.
public enum NetworkCatalog {
  /// What the own generator of whatever framework is called.
  public static let published = "published"

  public static let names = [published] + GeneratorKind.catalog.map(\.name)

  static func kind(_ name: String) throws -> GeneratorKind {
    guard let kind = GeneratorKind.catalog.first(where: { $0.name == name }) else {
      throw Failure(.usage, "network \(UnknownName(name, known: names))")
    }
    return kind
  }
}
