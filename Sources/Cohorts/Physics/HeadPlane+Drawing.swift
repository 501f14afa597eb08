import Imaging

extension HeadPlane {
  /// - Parameter others: share of planes that are not axial.
  init(_ random: inout RandomSource, others: Double) {
    // Nothing is drawn where there are none, so that what is drawn after it is as it ever was.
    guard others > 0, random.chance(others) else {
      self = .axial
      return
    }
    self = random.chance(0.5) ? .coronal : .sagittal
  }

  /// From mm along columns, rows and planes to mm along a head's axes in LPS order.
  func inHead(_ v: SIMD3<Double>) -> SIMD3<Double> {
    let (axes, signs) = (orientation.axes, orientation.signs)
    var result = SIMD3<Double>.zero
    for axis in 0..<3 {
      let sign = signs[axis] * Orientation.lps.signs[axes[axis]]
      result[axes[axis]] = v[axis] * Double(sign)
    }
    return result
  }
}
