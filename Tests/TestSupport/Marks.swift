import Layers
import Testing
import Torch

/// Four numbers that stand for a tensor, as Support/golden/known.py makes them: the norm, the products with known numbers and
/// with the same backwards, and the sum by the root of the count.
///
/// A change of the tensor by a share of its norm moves the four by about that share of the norm.
public func marks(_ name: String, _ tensor: Tensor) -> [Double] {
  let values = tensor.values(Double.self)
  let probe = known("probe.\(name)", count: values.count)
  var (squares, product, backwards, sum) = (0.0, 0.0, 0.0, 0.0)
  for i in values.indices {
    squares += values[i] * values[i]
    product += values[i] * probe[i]
    backwards += values[i] * probe[values.count - 1 - i]
    sum += values[i]
  }
  return [squares.squareRoot(), product, backwards, sum / Double(max(1, values.count)).squareRoot()]
}

extension Golden {
  /// Compares a tensor with the marks that the file keeps.
  /// - Parameters:
  ///   - name: what the known numbers are called.
  ///   - tolerance: of the tensor's own norm.
  public func expectMarks(
    _ key: String, of tensor: Tensor, named name: String, within tolerance: Double,
    at place: SourceLocation = #_sourceLocation
  ) throws {
    expectMarks(
      marks(name, tensor.detached), try self(key).values(), within: tolerance, largest: 0, name, at: place)
  }

  /// Compares all parameters' gradients with the rows of marks that the file keeps, in the order of their names.
  ///
  /// A row of zeros is a parameter that the mathematics gives no gradient: what is there must be rounding, less than the
  /// tolerance of the largest gradient.
  /// - Parameters:
  ///   - names: the key of how many parameters there are and of what their names hash to.
  ///   - prefix: of what the known numbers are called.
  ///   - together: how far all gradients as one vector may be off, of its norm.
  public func expectMarks(
    _ key: String, ofGradientsIn store: Parameters, names: String, named prefix: String,
    within tolerance: Double, together: Double = .infinity,
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let sorted = store.entries.sorted { $0.name < $1.name }
    let hash = fnv(sorted.map { $0.name + "\n" }.joined())
    let signature = [Double(sorted.count), Double(hash >> 12)]
    #expect(
      try self(names).values(Double.self) == signature, "other parameters than in \(names)",
      sourceLocation: place)
    let rows = try self(key).values(Double.self)
    guard rows.count == 4 * sorted.count else {
      Issue.record("\(key) has \(rows.count / 4) rows for \(sorted.count) parameters", sourceLocation: place)
      return
    }
    let largest = (0..<sorted.count).map { rows[4 * $0] }.max() ?? 0
    var (off, all) = (0.0, 0.0)
    for (index, entry) in sorted.enumerated() {
      let gradient = entry.tensor.gradient ?? .zeros(entry.tensor.shape)
      let worst = expectMarks(
        marks("\(prefix).\(entry.name)", gradient), Array(rows[(4 * index)..<(4 * index + 4)]),
        within: tolerance,
        largest: largest, "\(prefix).\(entry.name)", at: place)
      off += worst * worst
      all += rows[4 * index] * rows[4 * index]
    }
    #expect(
      (off / all).squareRoot() <= together, "\(key) as a whole is off by \((off / all).squareRoot())",
      sourceLocation: place)
  }

  /// - Returns: the largest difference of a mark.
  @discardableResult private func expectMarks(
    _ found: [Double], _ wanted: [Double], within tolerance: Double, largest: Double, _ name: String,
    at place: SourceLocation
  ) -> Double {
    let scale = wanted[0] > 0 ? wanted[0] : largest
    let differences = zip(found, wanted).map { abs($0 - $1) }
    let worst = differences.allSatisfy(\.isFinite) ? differences.max() ?? .infinity : .infinity
    #expect(
      worst < tolerance * scale, "\(name): marks \(found), not \(wanted): off by \(worst / scale)",
      sourceLocation: place)
    return worst
  }
}
