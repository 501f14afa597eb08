extension Scorer {
  /// How far the step from one slice to the next is from the target's: the mean over pixels of
  /// |(p′ − p) − (t′ − t)|, where the predictions are clamped to [0, 1] as they are scored.
  ///
  /// Synthesis slice by slice is blamed for flicker between slices, which no figure of one slice shows. Only pixels count
  /// where either target is brighter than `foreground`; where no pixel is, all of them.
  /// - Parameters: a slice's prediction and target, and those of the slice after it, all of one size.
  public func throughPlane(
    _ prediction: [Float], _ target: [Float],
    next: (prediction: [Float], target: [Float])
  ) -> Double {
    precondition(
      Set([prediction.count, target.count, next.prediction.count, next.target.count]).count == 1,
      "slices of different sizes have no step between them")
    func unit(_ value: Float) -> Double { Double(value < 0 ? 0 : value > 1 ? 1 : value) }
    var (inside, whole, pixels) = (0.0, 0.0, 0)
    for i in target.indices {
      let step = unit(next.prediction[i]) - unit(prediction[i])
      let error = abs(step - (Double(next.target[i]) - Double(target[i])))
      whole += error
      guard target[i] > foreground || next.target[i] > foreground else { continue }
      inside += error
      pixels += 1
    }
    return pixels > 0 ? inside / Double(pixels) : whole / Double(target.count)
  }
}
