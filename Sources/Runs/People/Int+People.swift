extension Int {
  /// `1 person`, `2 people`
  package var people: String { self == 1 ? "1 person" : "\(self) people" }
}
