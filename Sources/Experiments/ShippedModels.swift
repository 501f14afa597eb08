import Failures
import Files
import Foundation
import Imaging
import Inference
import Training

/// A model that comes with the program.
public struct ShippedModel: Sendable, Equatable {
  /// What commands call it: `physics-5`.
  public let name: String
  /// Its file's name, in `Support/models` of a clone.
  public let file: String
  /// Of the file, so that no other passes for it.
  public let sha256: String
  /// One line on what it is.
  public let summary: String
  /// What it is better not shown.
  public let withholdings: [Withholding]

  public init(
    name: String, file: String, sha256: String, summary: String, withholdings: [Withholding] = []
  ) {
    (self.name, self.file, self.sha256, self.summary) = (name, file, sha256, summary)
    self.withholdings = withholdings
  }

  /// Newest first: each is a line here and a file in `Support/models`.
  public static let all = [
    ShippedModel(
      name: "physics-5", file: "aginet-physics-5.safetensors",
      sha256: "2978aec449ed2cd4268d0bf11b6a343dd4c2b91127e657cc54e63f6561a4853a",
      summary: "any of T1, T2, PD, FLAIR and T1Gd to those that are missing, trained on computed heads alone",
      withholdings: [
        // Computed heads had hardly any vessels in the brain: what contrast medium brightens there was a tumour.
        Withholding(
          .t1gd, makingOf: .flair, beside: .t1,
          because: "beside T1 this model makes lesions of the vessels that contrast medium brightens"),
        Withholding(
          .flair, makingOf: .t1gd, beside: .t1,
          because: "beside T1 this model makes more of it than it tells of contrast medium"),
      ]),
    ShippedModel(
      name: "physics-4", file: "aginet-physics-4.safetensors",
      sha256: "6965ba243713f3ee8030cdd698d50f1a8c0499e4b81f62b801ff98009f4aaa78",
      summary: "the same, which physics-5 went on from; it knows axial planes alone"),
  ]
}

extension ShippedModel {
  /// The path of the model of this name, or of the newest; its contents are compared with what the source knows of them.
  /// - Throws: `.notFound` where this version has no model or its file is not there, `.usage` for an unknown name,
  ///   `.invalidModel` for a file that is not the one that was shipped.
  public static func find(named name: String? = nil) throws -> String {
    try find(named: name, among: all, in: Installation.modelFolders)
  }

  package static func find(
    named name: String?, among models: [ShippedModel], in folders: [String]
  ) throws -> String {
    try named(name, among: models).path(in: folders)
  }

  /// The file that is meant by a path, by a run folder or by a shipped model's name; without any the newest that is shipped.
  /// - Throws: as `find`, where no file is named; `.notFound` for a folder without a model.
  public static func file(_ argument: String?) throws -> String {
    try file(argument, among: all, in: Installation.modelFolders)
  }

  package static func file(
    _ argument: String?, among models: [ShippedModel], in folders: [String]
  ) throws -> String {
    // What is the user's own is never hidden by a name.
    if let argument, let isFolder = RunFolder.isFolder(argument) {
      return isFolder ? try trained(in: argument) : argument
    }
    if let argument, !models.contains(where: { $0.name == argument }) {
      guard argument.contains("/") || argument.hasSuffix(".safetensors") || models.isEmpty else {
        throw Failure(
          .usage, "no such .safetensors file, and \(unknown(argument, among: models).message)")
      }
      return argument
    }
    return try find(named: argument, among: models, in: folders)
  }

  private static func trained(in run: String) throws -> String {
    let file = RunFolder(Path.withoutEnd(run)).model
    guard RunFolder.isFolder(file) == false else {
      throw Failure(
        .notFound,
        "\(run): is a folder without a \(Path.name(file)); name a model file, or a run folder in which \(Term.training) has "
          + "come to a model")
    }
    return file
  }

  private static func named(_ name: String?, among models: [ShippedModel]) throws -> ShippedModel {
    guard let newest = models.first else {
      throw Failure(
        .notFound, "this version comes without a model; name one that was trained (\(Term.training))")
    }
    guard let name else { return newest }
    guard let model = models.first(where: { $0.name == name }) else { throw unknown(name, among: models) }
    return model
  }

  private static func unknown(_ name: String, among models: [ShippedModel]) -> Failure {
    Failure(.usage, "model \(UnknownName(name, known: models.map(\.name)))")
  }

  /// Where its file lies, whatever is in it; nil where there is none.
  package func place(in folders: [String]) -> String? {
    folders.map { "\($0)/\(file)" }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Where its file lies, once that is known to be the one that was shipped.
  package func path(in folders: [String]) throws -> String {
    guard let path = place(in: folders) else {
      let places = folders.isEmpty ? "" : ", not in \(folders.joined(separator: ", "))"
      throw Failure(
        .notFound,
        "the model \(name) (\(file)) is not here\(places): copy it from the release, or set AGINET_MODELS to its folder"
      )
    }
    guard try SHA256.ofFile(path).digest == sha256 else {
      throw Failure(
        .invalidModel,
        "\(path): is not the \(name) that came with this version (another SHA-256); copy it again from the release"
      )
    }
    return path
  }
}
