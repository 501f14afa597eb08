import Foundation
import Imaging
import Metrics

/// A plane through a person's lesions, or through the middle of the brain: what was given, what was acquired, and what models made.
public struct PersonPicture: Sendable, Codable {
  /// The folder's name.
  public let cohort: String
  public let person: String
  public let scenario: Scenario
  /// Of every image below, and the distance in mm from one column and from one row to the next.
  public let rows: Int, columns: Int, spacing: SIMD2<Double>
  private let models: [String]
  /// What was given, acquired and made, one image after the other: an encoder takes bytes as they are, and numbers one by one.
  private let pixels: Data

  /// - Parameter made: cut as the person's images are.
  /// - Returns: nil where there is nothing to compare with.
  init?(_ person: PersonScans, _ scenario: Scenario, made: [(method: String, plane: [Float])]) {
    let grid = person.regions.grid
    func shown(_ modality: Modality) -> [Float]? {
      guard let image = person.images[modality], let white = person.whites[modality] else { return nil }
      return person.shown(image).map { $0 / white }
    }
    guard let target = scenario.target.modality, let acquired = shown(target) else { return nil }
    (cohort, self.person, self.scenario) = (person.cohort, person.id, scenario)
    (rows, columns) = (grid.extent.rows, grid.extent.columns)
    spacing = [grid.spacing[2], grid.spacing[1]]
    models = made.map(\.method)
    let images = scenario.sources.compactMap(shown) + [acquired] + made.map(\.plane)
    pixels = images.reduce(into: Data()) { all, image in
      image.withUnsafeBytes { all.append(contentsOf: $0) }
    }
  }

  /// [row][column], LPS; 1 stands for the 99.5th percentile of the contrast in the brain.
  public var given: [[Float]] { Array(images.dropLast(models.count + 1)) }
  public var acquired: [Float] { images[images.count - models.count - 1] }
  /// By model, on the scale by which it is compared with what was acquired.
  public var made: [(method: String, image: [Float])] {
    zip(models, images.suffix(models.count)).map { (method: $0, image: $1) }
  }

  private var images: [[Float]] {
    let (count, size) = (rows * columns, MemoryLayout<Float>.size)
    return pixels.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: count * size).map { start in
        (0..<count).map { bytes.loadUnaligned(fromByteOffset: start + $0 * size, as: Float.self) }
      }
    }
  }
}

extension PersonScans {
  /// The plane that pictures show, of an image.
  func shown(_ image: [Float]) -> [Float] {
    let size = regions.grid.extent.rows * regions.grid.extent.columns
    return Array(image[shownPlane * size..<(shownPlane + 1) * size])
  }

  /// That plane of what was made of a contrast, by its own foreground's scale, as `PersonPicture` shows it.
  func shown(_ made: [Float], as target: Modality) -> [Float]? {
    let scorer = PersonScorer(regions)
    guard let truth = images[target].flatMap(scorer.scale), let own = scorer.scale(of: made),
      let white = whites[target]
    else { return nil }
    let factor = Float(truth / own) / white
    return shown(made).map { $0 * factor }
  }
}
