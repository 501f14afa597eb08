import Torch

/// Drops elements with a probability in training, by the store's stream, and scales up what stays, so that the mean is kept.
public struct Dropout: Layer {
  private let scope: Scope
  private let probability: Double
  private let isActiveAtTest: Bool

  /// - Parameter atTest: whether elements are dropped at test time too. Which ones is then a function of seed and place
  ///   alone and the same for all slices, so that an image does not depend on how slices are put into batches.
  public init(_ scope: Scope, _ probability: Double, atTest: Bool = false) {
    self.scope = scope
    (self.probability, isActiveAtTest) = (probability, atTest)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    if scope.store.isTraining { return x.dropout(probability, from: scope.store.random) }
    guard isActiveAtTest, probability > 0 else { return x }
    let chance = Tensor.uniform(
      [1] + x.shape.dropFirst(), seed: mix(scope.store.seed, scope.path), type: x.type, device: x.device)
    return x * (chance + (1 - probability)).floor() / (1 - probability)
  }
}
