import Failures
import Files
import Foundation

extension ModelCard {
  /// What those are told who get a model from others: its name and terms, what it was made from, what it cannot do, and what
  /// was measured of it. All of it is text and figures that people write down; nothing is computed by it.
  public struct Publication: Codable, Sendable, Equatable {
    /// What commands call it: `physics-5`.
    public var name: String
    /// Of the weights: `Apache-2.0`.
    public var licence: String
    /// Whose anatomies, or scans, it was made from.
    public var anatomies: [Source]?
    /// What it cannot do, or was never measured at, one sentence each.
    public var limits: [String]?
    /// What was measured, one person and task each.
    public var results: [Result]?
    public var citations: [String]?

    /// A collection that it was made from, and its terms.
    public struct Source: Codable, Sendable, Equatable {
      public var name: String
      public var terms: String

      public init(name: String, terms: String) { (self.name, self.terms) = (name, terms) }
    }

    /// Decibels over a constant image (`PersonMeasure.brain`) of one person's task: the model's, and those of what it should beat.
    public struct Result: Codable, Sendable, Equatable {
      public var person: String
      /// `T1, T2 -> FLAIR`
      public var task: String
      public var model: Double
      /// Of the best given contrast, copied and scaled.
      public var copy: Double?
      /// Of a look-up table from intensities to intensities, computed from physics alone.
      public var lookUp: Double?
      /// What a reader should know of it.
      public var remark: String?

      public init(
        person: String, task: String, model: Double, copy: Double? = nil, lookUp: Double? = nil,
        remark: String? = nil
      ) {
        (self.person, self.task, self.model) = (person, task, model)
        (self.copy, self.lookUp, self.remark) = (copy, lookUp, remark)
      }
    }

    public init(
      name: String, licence: String, anatomies: [Source]? = nil, limits: [String]? = nil,
      results: [Result]? = nil, citations: [String]? = nil
    ) {
      (self.name, self.licence, self.anatomies) = (name, licence, anatomies)
      (self.limits, self.results, self.citations) = (limits, results, citations)
    }

    /// Reads it from a JSON file.
    /// - Throws: `.notFound` for a missing file; `.malformed`, with line and column, for one that is no such description.
    public init(file: String) throws {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw Failure(.notFound, "\(file): no such file, or it cannot be read")
      }
      self = try StrictJSON.decode(StrictJSON.parse(data, file: file), of: data, file: file)
    }
  }
}

extension ModelCard.Publication.Result {
  /// `ms07, T1, T2 -> FLAIR: 15.2, copy 12.3, look-up 14.1 (remark)`
  public var words: String {
    func figure(_ value: Double) -> String { String(format: "%.2f", value) }
    let others = [copy.map { "copy \(figure($0))" }, lookUp.map { "look-up \(figure($0))" }].compactMap { $0 }
    return "\(person), \(task): " + ([figure(model)] + others).joined(separator: ", ")
      + (remark.map { " (\($0))" } ?? "")
  }
}
