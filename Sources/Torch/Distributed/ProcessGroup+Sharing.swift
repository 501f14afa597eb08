import Foundation

/// Works on many things, each of which one of the processes does: without a group the one that there is does all.
extension ProcessGroup? {
  /// This rank's items of a list that all ranks have: neighbours, of which each rank has as many but for one.
  public func share<Item>(of items: [Item]) -> [Item] {
    guard let self else { return items }
    func start(_ rank: Int) -> Int { (items.count * rank + self.size - 1) / self.size }
    return Array(items[start(self.rank)..<start(self.rank + 1)])
  }

  /// What all ranks have made, in the order of ranks, on all of them: to the bit what one would have made of the whole list.
  /// However far apart they come, they wait for one another.
  /// - Throws: `.unexpected` where a rank is lost.
  public func gathered<Item: Codable>(_ own: [Item]) throws -> [Item] {
    guard let self else { return own }
    try self.assemble()
    // JSON has every digit, and the sign of zero.
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let bytes = try encoder.encode(own)
    let counts = self.sum((0..<self.size).map { $0 == self.rank ? Double(bytes.count) : 0 }).map { Int($0) }
    try self.check()
    return try counts.enumerated().flatMap { rank, count in
      // One rank's, and zero on all others.
      let part = rank == self.rank ? Array(bytes) : [UInt8](repeating: 0, count: count)
      let whole = self.sum(Tensor(part, shape: [count])).values(UInt8.self)
      try self.check()
      return try decoder.decode([Item].self, from: Data(whole))
    }
  }
}
