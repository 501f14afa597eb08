import Methods

/// What every framework is told, under its name: all of them, as the studies compare several.
struct FrameworkOptions: Codable, Sendable, Equatable {
  private var values: [String: any MethodOptions] = [:]

  init() {}

  subscript<F: Framework>(_ framework: F.Type) -> F.Options {
    get { values[F.name] as? F.Options ?? F.Options() }
    set { values[F.name] = newValue }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for framework in frameworks { try framework.read(from: container, into: &self) }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for framework in frameworks { try framework.write(self, to: &container) }
  }

  static func == (a: FrameworkOptions, b: FrameworkOptions) -> Bool {
    frameworks.allSatisfy { $0.areEqual(a, b) }
  }

  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

extension Framework {
  private static var key: FrameworkOptions.Key { FrameworkOptions.Key(stringValue: name) }

  fileprivate static func read(
    from container: KeyedDecodingContainer<FrameworkOptions.Key>, into options: inout FrameworkOptions
  ) throws {
    options[Self.self] = try container.decode(Options.self, forKey: key)
  }

  fileprivate static func write(
    _ options: FrameworkOptions, to container: inout KeyedEncodingContainer<FrameworkOptions.Key>
  ) throws {
    try container.encode(options[Self.self], forKey: key)
  }

  fileprivate static func areEqual(_ a: FrameworkOptions, _ b: FrameworkOptions) -> Bool {
    a[Self.self] == b[Self.self]
  }
}
