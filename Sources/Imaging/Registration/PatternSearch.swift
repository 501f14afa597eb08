/// Looks for the largest value of a function without its derivatives: steps along each axis, and on along their sum while that
/// helps; halved where none does (Hooke and Jeeves 1961).
package struct PatternSearch {
  /// Along every axis, in the axes' unit.
  package var step: Double
  /// The last step.
  package var smallest: Double

  package init(step: Double, smallest: Double) { (self.step, self.smallest) = (step, smallest) }

  /// - Returns: the best place that was met, and the value there.
  package func maximise(
    from start: [Double], _ function: ([Double]) -> Double
  ) -> (place: [Double], value: Double) {
    var (best, value, step) = (start, function(start), step)
    while step >= smallest {
      let (near, better) = explored(best, value, step, function)
      guard better > value else {
        step /= 2
        continue
      }
      // On in the same direction for as long as it rises.
      var (before, reached, height) = (best, near, better)
      while true {
        let ahead = zip(reached, before).map { 2 * $0 - $1 }
        let (next, further) = explored(ahead, function(ahead), step, function)
        guard further > height else { break }
        (before, reached, height) = (reached, next, further)
      }
      (best, value) = (reached, height)
    }
    return (best, value)
  }

  /// One step along each axis, wherever that is better.
  private func explored(
    _ start: [Double], _ value: Double, _ step: Double, _ function: ([Double]) -> Double
  ) -> ([Double], Double) {
    var (place, best) = (start, value)
    for axis in place.indices {
      for direction in [step, -step] {
        var next = place
        next[axis] += direction
        let other = function(next)
        if other > best {
          (place, best) = (next, other)
          break
        }
      }
    }
    return (place, best)
  }
}
