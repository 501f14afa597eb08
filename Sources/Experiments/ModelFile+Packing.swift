import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Torch

extension TrainedModel {
  /// What it is called: by its publication, else its file's name.
  public var name: String { card.publication?.name ?? Path.name(file) }

  /// Writes this model for others: its weights with half the bits, and what the publication tells in its card.
  /// - Throws: `.cannotWrite`.
  public func pack(as publication: ModelCard.Publication, to path: String) throws {
    var card = card
    card.publication = publication
    try TrainedModel.write(method, experiment: experiment, card: card, to: path, halved: true)
  }

  /// Writes the mean of this model and another of the same network, weight by weight: what lies between two that have one
  /// origin is often better than either (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
  ///
  /// This model's weights are changed by it.
  /// - Parameter share: of the other, 0 ... 1.
  /// - Throws: `.inconsistent` for models that make different images or whose weights do not fit each other,
  ///   `.cannotWrite`.
  public func average(with other: TrainedModel, share: Double, to path: String) throws {
    let card = try move(towards: other, share: share)
    try TrainedModel.write(method, experiment: experiment, card: card, to: path)
  }

  /// Makes the mean's weights of this model's.
  /// - Returns: the mean's card, without a score.
  package func move(towards other: TrainedModel, share: Double) throws -> ModelCard {
    guard other.card.scenario == card.scenario else {
      throw Failure(
        .inconsistent,
        "\(file) is a model of \(card.scenario), \(other.file) one of \(other.card.scenario); only two of one kind have a mean"
      )
    }
    guard other.card.intensityRule == card.intensityRule, other.card.region.depth == card.region.depth else {
      throw Failure(
        .inconsistent,
        "\(file) and \(other.file): see images on different scales or regions (\(card.intensity); "
          + "\(other.card.intensity)); they have no mean")
    }
    let (mine, others) = (method.generator.parameters, other.method.generator.parameters)
    let shapes = [mine, others].map { $0.saved.map { "\($0.name) \($0.tensor.shape)" } }
    guard shapes[0] == shapes[1] else {
      let first = zip(shapes[0], shapes[1]).first { $0 != $1 }
      let difference = first.map { ": \($0.0) in one, \($0.1) in the other" } ?? ""
      throw Failure(
        .inconsistent, "\(file) and \(other.file): their networks differ\(difference); they have no mean")
    }
    withoutGradient {
      for (mine, other) in zip(mine.saved, others.saved) {
        mine.tensor.move(towards: other.tensor.to(device), by: share)
      }
    }
    var card = card
    card.score = nil
    card.publication = nil
    card.trainedOn +=
      "; weights averaged, \(share) of them of a model trained on \(Self.words(other.card.trainedOn, after: card.trainedOn))"
    return card
  }

  /// What a model was trained on, where it begins as what was said before does, is said shorter, however often it says so itself.
  package static func words(_ data: String, after said: String) -> String {
    // Clauses: what images it saw, which model it began with, what it is the mean of.
    let clause = data.prefix(upTo: data.range(of: "; ")?.lowerBound ?? data.endIndex)
    if clause.count > 20, said == clause || said.hasPrefix(clause + "; ") {
      return data.replacingOccurrences(of: clause, with: "the same")
    }
    let common = data.commonPrefix(with: said)
    let rests = [data.dropFirst(common.count), said.dropFirst(common.count)]
    let isWhole = rests.allSatisfy { $0.first.map { !$0.isLetter && !$0.isNumber } ?? true }
    return common.count > 20 && isWhole ? "the same" + rests[0] : data
  }
}
