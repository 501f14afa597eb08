extension Sequence where Element: Hashable {
  /// Every element once, in the order in which they first appear.
  package var unique: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

extension Sequence {
  /// Elements that have something in common together, in the order in which they first appear.
  package func grouped<Key: Hashable>(by key: (Element) -> Key) -> [(key: Key, elements: [Element])] {
    var places: [Key: Int] = [:]
    var groups: [(key: Key, elements: [Element])] = []
    for element in self {
      let own = key(element)
      if let place = places[own] {
        groups[place].elements.append(element)
      } else {
        places[own] = groups.count
        groups.append((own, [element]))
      }
    }
    return groups
  }
}

extension Array {
  /// At most `limit` elements, spread evenly over the array.
  package func spread(_ limit: Int) -> [Element] {
    count <= limit ? self : (0..<Swift.max(0, limit)).map { self[$0 * count / limit] }
  }
}

extension Array where Element == String {
  /// `a, b, c and 4 more`: a line stays a line whatever the length.
  package var listed: String { listed(8) }

  /// The first `most` of them.
  package func listed(_ most: Int) -> String {
    let shown = prefix(most).joined(separator: ", ")
    return count > most ? "\(shown) and \(count - most) more" : shown
  }
}
