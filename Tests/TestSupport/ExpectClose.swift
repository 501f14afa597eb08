import Testing
import Torch

/// Expects two tensors of one shape to agree in every element.
///
/// Two elements agree when they differ by at most `tolerance` times the largest magnitude in `expected`; NaN never
/// agrees. What is reported is the worst element, with its index and both values.
/// - Parameter floor: a difference that is always allowed, for tensors that are zero by the mathematics.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, within tolerance: Double, orAbsolutely floor: Double = 0,
  _ what: String = "", fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
  column: Int = #column
) {
  let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: column)
  guard actual.shape == expected.shape else {
    record("\(what) has shape \(actual.shape), not \(expected.shape)", at: place)
    return
  }
  compare(
    actual.values(), expected.values(), shape: actual.shape, tolerance: tolerance, floor: floor, what,
    at: place)
}

/// The same for plain numbers.
public func expectClose(
  _ actual: [Double], _ expected: [Double], within tolerance: Double, orAbsolutely floor: Double = 0,
  _ what: String = "", fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
  column: Int = #column
) {
  let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: column)
  guard actual.count == expected.count else {
    record("\(what) has \(actual.count) elements, not \(expected.count)", at: place)
    return
  }
  compare(actual, expected, shape: [actual.count], tolerance: tolerance, floor: floor, what, at: place)
}

/// The same for a tensor and the numbers it should hold, row by row.
public func expectClose(
  _ actual: Tensor, _ expected: [Double], within tolerance: Double, orAbsolutely floor: Double = 0,
  _ what: String = "", fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
  column: Int = #column
) {
  expectClose(
    actual.values(Double.self), expected, within: tolerance, orAbsolutely: floor, what, fileID: fileID,
    filePath: filePath, line: line, column: column)
}

private func compare(
  _ actual: [Double], _ expected: [Double], shape: [Int], tolerance: Double, floor: Double, _ what: String,
  at place: SourceLocation
) {
  var largest = 0.0
  var worst = (difference: -1.0, index: 0)
  for index in expected.indices {
    largest = max(largest, abs(expected[index]))
    var difference = abs(actual[index] - expected[index])
    if actual[index] == expected[index] { difference = 0 }
    if difference.isNaN { difference = .infinity }
    if difference > worst.difference { worst = (difference, index) }
  }
  let allowed = max(floor, tolerance * largest)
  guard worst.difference > allowed else { return }
  var rest = worst.index
  var index: [Int] = []
  for size in shape.reversed() {
    index.insert(rest % size, at: 0)
    rest /= size
  }
  record(
    "\(what) at \(index): \(actual[worst.index]), not \(expected[worst.index]); they differ by "
      + "\(worst.difference), \(worst.difference / largest) of the largest, where \(allowed) is allowed",
    at: place)
}

private func record(_ sentence: String, at place: SourceLocation) {
  Issue.record(Comment(rawValue: sentence), sourceLocation: place)
}
