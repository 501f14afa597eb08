import Failures
import Files
import Foundation

// What people write, laid over the defaults.

extension Experiment {
  /// Defaults, overlaid with a JSON file's contents, overlaid with `key=value` pairs (dotted keys reach inside).
  /// - Throws: `.notFound` for a missing file, `.malformed` for bad JSON or a value of the wrong kind, `.usage` for an
  ///   unknown key or a value that makes no sense.
  /// - Parameter base: a run's experiment in place of the defaults.
  public init(file: String? = nil, settings: [String] = [], over base: Experiment? = nil) throws {
    var tree = try Experiment.tree(of: base ?? Experiment())
    // A name that no network has, to see whether one is asked for.
    if base == nil { try Experiment.lay(["network": ["name": ""]], over: &tree, origin: "") }
    if let file {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw Failure(.notFound, "\(file): no such file, or it cannot be read")
      }
      // Says line and column of what is wrong.
      _ = try StrictJSON.parse(data, file: file)
      guard let overlay = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw Failure(.malformed, "\(file): not a JSON object of experiment settings")
      }
      try Experiment.lay(Experiment.current(overlay), over: &tree, origin: file)
      _ = try Experiment.decoded(tree, .malformed, origin: file)
    }
    for setting in settings {
      let origin = "--set \(setting.printable)"
      guard let equals = setting.firstIndex(of: "=") else {
        throw Failure(.usage, "\(origin): write key=value")
      }
      let text = String(setting[setting.index(after: equals)...])
      // What parses as JSON is taken so; the rest is text, so that names need no quotes.
      let value =
        (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) ?? text
      let keys = setting[..<equals].split(separator: ".").map(String.init)
      let overlay = keys.reversed().reduce(value) { [$1: $0] }
      guard !keys.isEmpty, let overlay = overlay as? [String: Any] else {
        throw Failure(.usage, "\(origin): no key is named; write key=value")
      }
      try Experiment.lay(Experiment.current(overlay), over: &tree, origin: origin)
      _ = try Experiment.decoded(tree, .usage, origin: origin)
    }
    self = try Experiment.decoded(tree, .unexpected, origin: "experiment")
    if network.name.isEmpty {
      network.name = try MethodCatalog.framework(method).network ?? NetworkCatalog.published
    }
    try check()
  }

  /// Settings as they were called up to version 0.1.0, and as they are now.
  package static let moved = [
    "network": "network.name", "width": "network.width", "blocks": "network.blocks",
    "groups": "network.groups", "arcKernels": "network.kernels", "stages": "network.stages",
  ]

  /// Settings under their present names.
  static func current(_ tree: [String: Any]) -> [String: Any] {
    var (tree, network) = (tree, tree["network"] as? [String: Any] ?? [:])
    for (old, new) in moved where !(tree[old] is [String: Any]) {
      guard let value = tree.removeValue(forKey: old) else { continue }
      network[String(new.dropFirst("network.".count))] = value
    }
    if !network.isEmpty { tree["network"] = network }
    return tree
  }

  /// An experiment as JSON's objects, lists, texts and numbers.
  static func tree(of experiment: Experiment) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(experiment))
    return object as? [String: Any] ?? [:]
  }

  private static func decoded(_ tree: [String: Any], _ kind: Failure.Kind, origin: String) throws
    -> Experiment
  {
    do {
      return try JSONDecoder().decode(Experiment.self, from: JSONSerialization.data(withJSONObject: tree))
    } catch let error as DecodingError {
      throw Failure(kind, "\(origin): \(sentence(error, in: tree))")
    }
  }

  static func lay(_ overlay: [String: Any], over tree: inout [String: Any], origin: String) throws {
    let whole = tree
    func lay(_ overlay: [String: Any], over tree: inout [String: Any], path: String) throws {
      for key in overlay.keys.sorted() {
        guard let before = tree[key] else {
          let known = tree.keys.sorted().map { path + $0 }
          let slip = key.nearest(of: tree.keys.sorted()).map { [path + $0] }
          let guesses = slip ?? places(of: key, in: whole, "")
          let guess = guesses.isEmpty ? "" : "; did you mean \(guesses.joined(separator: " or "))?"
          throw Failure(
            .usage,
            "\(origin): unknown key \(path)\(key.printable)\(guess) (known are \(known.joined(separator: ", ")))"
          )
        }
        if var inner = before as? [String: Any], let changes = overlay[key] as? [String: Any] {
          try lay(changes, over: &inner, path: "\(path)\(key).")
          tree[key] = inner
        } else {
          tree[key] = overlay[key]
        }
      }
    }
    try lay(overlay, over: &tree, path: "")
  }

  /// Where else a key stands: `pgan.weightL1` of `weightL1`.
  private static func places(of key: String, in tree: [String: Any], _ path: String) -> [String] {
    tree.keys.sorted().flatMap { name -> [String] in
      let inner = (tree[name] as? [String: Any]).map { places(of: key, in: $0, "\(path)\(name).") } ?? []
      return (name == key ? [path + name] : []) + inner
    }
  }

  // MARK: - In words

  /// What does not decode, in a line without Swift's names.
  static func sentence(_ error: DecodingError, in tree: [String: Any] = [:]) -> String {
    func name(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "element \($0 + 1)" } ?? $0.stringValue }
      return keys.isEmpty ? "a number" : keys.joined(separator: ".")
    }
    switch error {
    case .typeMismatch(let type, let context): return "\(name(context)) must be \(StrictJSON.noun(type))"
    case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
    case .valueNotFound(let type, let context):
      return "\(name(context)) is null, but must be \(StrictJSON.noun(type))"
    case .dataCorrupted(let context):
      if let unknown = context.underlyingError as? UnknownName { return "\(name(context)): \(unknown)" }
      // Foundation does not say which number it cannot take.
      guard let (path, value) = misfit(in: tree) else { return "a number is not in the range of its type" }
      return
        "\(path) is \(text(value).printable); it must be \(value is [Any] ? "whole numbers" : "a whole number") in range"
    @unknown default: return "\(error)"
    }
  }

  /// The first setting that does not decode by itself, beside defaults alone.
  private static func misfit(in tree: [String: Any]) -> (path: String, value: Any)? {
    guard let defaults = try? Experiment.tree(of: Experiment()) else { return nil }
    func misfit(_ values: [String: Any], _ keys: [String]) -> (path: String, value: Any)? {
      for (key, value) in values.sorted(by: { $0.key < $1.key }) {
        let keys = keys + [key]
        if let inner = value as? [String: Any] {
          if let found = misfit(inner, keys) { return found }
          continue
        }
        var alone = defaults
        let overlay = keys.dropLast().reversed().reduce([key: value] as [String: Any]) { [$1: $0] }
        let isKnown = (try? lay(overlay, over: &alone, origin: "")) != nil
        guard isKnown, let data = try? JSONSerialization.data(withJSONObject: alone) else { continue }
        if (try? JSONDecoder().decode(Experiment.self, from: data)) == nil {
          return (keys.joined(separator: "."), value)
        }
      }
      return nil
    }
    return misfit(tree, [])
  }

  /// A value as JSON writes it.
  static func text(_ value: Any) -> String {
    let data = try? JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }
}
