import Foundation

/// Student's t distribution with a whole number of degrees of freedom.
///
/// With θ = atan(t / √ν), the chance of |T| < t is a finite sum of powers of cos θ (Abramowitz and Stegun 26.7.3 and 26.7.4),
/// all of them positive: no digit is lost.
public enum StudentT {
  /// The chance of |T| < `t`, for t ≥ 0.
  public static func within(_ t: Double, freedom: Int) -> Double {
    within(angle: atan(t / Double(freedom).squareRoot()), freedom)
  }

  /// The t within which |T| lies with the chance `confidence`: 2.571 for 0.95 and 5 degrees of freedom.
  public static func quantile(_ confidence: Double, freedom: Int) -> Double {
    precondition(confidence > 0 && confidence < 1, "confidence lies between 0 and 1")
    precondition(freedom > 0, "there are no degrees of freedom")
    // The chance rises with the angle, which has an end.
    var (low, high) = (0.0, Double.pi / 2)
    while true {
      let middle = (low + high) / 2
      guard low < middle, middle < high else { break }
      if within(angle: middle, freedom) < confidence { low = middle } else { high = middle }
    }
    return Double(freedom).squareRoot() * tan((low + high) / 2)
  }

  private static func within(angle: Double, _ freedom: Int) -> Double {
    let (sine, cosine) = (sin(angle), cos(angle))
    let isOdd = freedom % 2 == 1
    // The powers below `freedom - 1`: the odd ones for odd degrees of freedom, from 1 on, else the even ones, from 0 on.
    var (term, sum) = (isOdd ? cosine : 1, 0.0)
    for power in stride(from: isOdd ? 1 : 0, to: freedom - 1, by: 2) {
      sum += term
      term *= cosine * cosine * Double(power + 1) / Double(power + 2)
    }
    return isOdd ? 2 / .pi * (angle + sine * sum) : sine * sum
  }
}
