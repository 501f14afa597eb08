/// `width is 0; it must be from 1 to 1024` of the first value that is out of its bounds, or nil.
package func outOfBounds(_ values: [(name: String, value: Int, bounds: ClosedRange<Int>)]) -> String? {
  values.first { !$0.bounds.contains($0.value) }.map {
    "\($0.name) is \($0.value); it must be from \($0.bounds.lowerBound) to \($0.bounds.upperBound)"
  }
}

/// What a U-Net's levels can be: 1 to 8, of 1 to 16 times the width, with attention at some of their factors.
enum Levels {
  /// What is wrong with them, or nil.
  static func refusal(multipliers: [Int], attention: [Int] = [], of levels: String = "levels") -> String? {
    guard (1...8).contains(multipliers.count), multipliers.allSatisfy({ (1...16).contains($0) }) else {
      return "multipliers are \(multipliers); name 1 to 8 \(levels), each with 1 to 16 times the width"
    }
    let factors = (0..<multipliers.count).map { 1 << $0 }
    guard attention.allSatisfy(factors.contains), Set(attention).count == attention.count else {
      return "attention is \(attention); it may stand at the factors \(factors) of these levels, each once"
    }
    return nil
  }
}
