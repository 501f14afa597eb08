import Foundation

/// A model as the file beside an image names it, and the version of the program that computed with it.
public struct CompletionModel: Codable, Sendable, Hashable {
  /// The model file's name.
  public var name: String
  public var sha256: String
  public var version: String

  /// - Parameter path: a sidecar.
  /// - Returns: nil where none is there or where it does not tell.
  init?(besideImage path: String) {
    struct Fields: Decodable {
      var model: String, sha256: String, generatedBy: [String: String]
      enum CodingKeys: String, CodingKey {
        case model = "Model"
        case sha256 = "ModelSHA256"
        case generatedBy = "GeneratedBy"
      }
    }
    guard let data = FileManager.default.contents(atPath: path),
      let fields = try? JSONDecoder().decode(Fields.self, from: data)
    else { return nil }
    (name, sha256, version) = (fields.model, fields.sha256, fields.generatedBy["Version"] ?? "")
  }

  /// `physics-1.safetensors, SHA-256 586a94…`
  public var words: String { "\(name), SHA-256 \(sha256)" }
}
