import Cohorts
import Failures
import Imaging

/// What a run is trained on that computes its heads: the extent of a slice, how many there are beside scans, and beside these, as
/// keys of the same object, how the heads are drawn.
public struct PhysicsSettings: Codable, Sendable, Equatable {
  /// Rows and columns.
  public var extent = Extent(128, 128)
  /// Share of the batches that are computed heads where there are scans too.
  public var share = 0.25
  public var options = PhysicsOptions()

  public init() {}

  private enum Key: CodingKey { case extent, share }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    extent = try container.decode(Extent.self, forKey: .extent)
    share = try container.decode(Double.self, forKey: .share)
    options = try PhysicsOptions(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(extent, forKey: .extent)
    try container.encode(share, forKey: .share)
    try options.encode(to: encoder)
  }

  /// - Throws: `.usage` for numbers that make no sense.
  func check() throws {
    guard extent.dimensions == 2, extent.sizes.allSatisfy({ (16...1024).contains($0) }) else {
      throw Failure(.usage, "physics.extent is \(extent); it must be two numbers from 16 to 1024")
    }
    guard (0...1).contains(share) else {
      throw Failure(.usage, "physics.share is \(share); it must be from 0 to 1")
    }
    try options.check()
  }
}
