import Experiments
import Files
import Foundation
import Training

/// A result on disk that answers one question and no other.
struct Kept<Value: Codable>: Codable {
  var question: String
  var value: Value
  /// SHA-256 of the value as it is encoded; 0.1.0 wrote none. A damaged file is computed anew, not believed.
  var digest: String?

  private static func digest(of value: Value) throws -> String {
    var hash = SHA256()
    Array(try value.json(pretty: false).utf8).withUnsafeBytes { hash.update($0) }
    return hash.hexadecimal()
  }

  /// The value in a file, where that answers the question; else what `make` gives, which is written there.
  /// - Parameter detail: what the question ends in where it is asked in full; an answer to the rest serves as well if
  ///   `takesAny`.
  static func value(
    at path: String, for question: String, detail: String = "", takesAny: Bool = false,
    make: () throws -> Value
  ) throws -> Value {
    let asked = question + detail
    if let data = FileManager.default.contents(atPath: path),
      let kept = try? JSONDecoder().decode(Kept<Value>.self, from: data),
      kept.question == asked || takesAny && kept.question.hasPrefix(question),
      try kept.digest == nil || kept.digest == digest(of: kept.value)
    {
      return kept.value
    }
    let value = try make()
    let kept = Kept(question: asked, value: value, digest: try digest(of: value))
    try RunFolder.make(Path.folder(path))
    try AtomicFile.write(try kept.json(pretty: false) + "\n", to: path)
    return value
  }
}

extension Reproduction {
  /// Pictures of a study as an earlier call made them, where nothing that they show has changed; else what `make` gives, which is
  /// kept in `pictures/`.
  package func pictures<Picture: Codable>(of study: Study, make: () throws -> [Picture]) throws -> [Picture] {
    func models(_ experiment: Experiment?) throws -> String {
      let runs = try experiment.map(seeded)?.filter { try state(of: $0) == .finished } ?? []
      return try runs.map { try SHA256.ofFile(runFolder(of: $0).model).digest }.joined(separator: " ")
    }
    let condition = study.conditions[0]
    let rows = try study.rows.map { row in
      let experiment = row.experiments.first
      return "\(row.title): \(look(condition, of: experiment)), models \(try models(experiment))"
    }
    let question =
      "aginet \(Version.current), \(question(condition.shift, look(condition))), segmentation \(try models(study.segmentation)), "
      + rows.joined(separator: "; ")
    return try Kept.value(at: "\(folder)/pictures/\(study.name).json", for: question, make: make)
  }
}
