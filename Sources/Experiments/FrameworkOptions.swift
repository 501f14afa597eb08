import Methods

/// What every framework is told, under its name: all of them, as the studies compare several.
struct FrameworkOptions: Codable, Sendable, Equatable {
  private var values: [String: any MethodOptions] = [:]

  init() {}

  /// Of a framework that is known at run time alone.
  subscript(_ framework: any Framework.Type) -> any MethodOptions {
    get { values[framework.name] ?? framework.optionsType.init() }
    set { values[framework.name] = newValue }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for framework in frameworks {
      self[framework] = try container.decode(framework.optionsType, forKey: Key(framework))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for framework in frameworks { try container.encode(self[framework], forKey: Key(framework)) }
  }

  static func == (a: FrameworkOptions, b: FrameworkOptions) -> Bool {
    frameworks.allSatisfy { a[$0].equals(b[$0]) }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ framework: any Framework.Type) { stringValue = framework.name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

extension MethodOptions {
  fileprivate func equals(_ other: any MethodOptions) -> Bool { other as? Self == self }
}
