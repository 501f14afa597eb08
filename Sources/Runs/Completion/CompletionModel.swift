/// A model as the file beside an image names it, and the version of the program that computed with it.
public struct CompletionModel: Codable, Sendable, Hashable {
  /// The model file's name.
  public var name: String
  public var sha256: String
  public var version: String

  init(_ sidecar: Sidecar) {
    (name, sha256) = (sidecar.model, sidecar.modelSHA256)
    version = sidecar.generatedBy["Version"] ?? ""
  }

  /// `physics-1.safetensors, SHA-256 586a94…`
  public var words: String { "\(name), SHA-256 \(sha256)" }
}
