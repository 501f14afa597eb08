import Cohorts
import Failures
import Imaging

/// What a run is trained on that computes its heads: the extent of a slice, and beside it, as keys of the same object, how the
/// heads are drawn.
public struct PhysicsSettings: Codable, Sendable, Equatable {
  /// Rows and columns.
  public var extent = Extent(128, 128)
  public var options = PhysicsOptions()

  public init() {}

  private enum Key: CodingKey { case extent }

  public init(from decoder: any Decoder) throws {
    extent = try decoder.container(keyedBy: Key.self).decode(Extent.self, forKey: .extent)
    options = try PhysicsOptions(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(extent, forKey: .extent)
    try options.encode(to: encoder)
  }

  /// - Throws: `.usage` for numbers that make no sense.
  func check() throws {
    guard extent.dimensions == 2, extent.sizes.allSatisfy({ (16...1024).contains($0) }) else {
      throw Failure(.usage, "physics.extent is \(extent); it must be two numbers from 16 to 1024")
    }
    try options.check()
  }
}
