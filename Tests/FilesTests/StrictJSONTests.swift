import Failures
import Files
import Foundation
import ScanSupport
import Testing

@Suite struct StrictJSONTests {
  struct Experiment: Codable, Equatable {
    enum Method: String, Choice { case pix2pix, syndiff }
    struct Network: Codable, Equatable { var name = "unet", width = 16, levels: [Int] = [] }
    struct Subject: Codable, Equatable { var name: String }

    var method = Method.pix2pix
    var rate = 2e-4
    var seed: UInt64 = 1
    var network = Network()
    var subjects: [Subject] = []
  }

  static let moved = ["width": "network.width", "attention": "network.levels"]

  func laid(_ text: String, _ kind: Failure.Kind = .malformed) throws -> Experiment {
    var settings = try Settings(Experiment(), moved: Self.moved, unknown: kind)
    try settings.lay(Data(text.utf8), named: "e.json", kind: kind)
    return settings.value
  }

  @Test func `what is right is laid over the defaults`() throws {
    var expected = Experiment()
    (expected.rate, expected.network.width, expected.subjects) = (1, 8, [.init(name: "c")])
    #expect(try laid(#"{"rate":1,"network":{"width":8.0},"subjects":[{"name":"c"}]}"#) == expected)
    #expect(try laid(#"{"seed":18446744073709551615}"#).seed == .max)
  }

  @Test func `a mark at the beginning is none of it`() throws {
    #expect(try laid("\u{FEFF}" + #"{"rate":1}"#).rate == 1)
    #expect { try StrictJSON.parse(Data([0xFF, 0xFE, 0x7B, 0x00]), file: "e.json") } throws: {
      "\($0)".contains("UTF-16")
    }
  }

  @Test func `what stood elsewhere is found, and a text is a name`() throws {
    var expected = Experiment()
    expected.network = .init(name: "resunet", width: 8, levels: [1])
    #expect(try laid(#"{"network":"resunet","width":8,"attention":[1]}"#) == expected)
    var settings = try Settings(Experiment(), moved: Self.moved)
    for setting in ["network=resunet", "width=8", "network.levels=[1]"] {
      try settings.lay(setting, origin: "--set")
    }
    #expect(settings.value == expected)
    let failure = #expect(throws: Failure.self) { try settings.lay("width=x", origin: "here") }
    #expect(failure?.message == "here: network.width must be a whole number" && failure?.kind == .usage)
    #expect(throws: Failure.self) { try laid(#"{"method":{"name":"pix2pix"}}"#) }
  }

  @Test(arguments: [
    ("{\n  \"méthode\" 3}", "e.json:2:13: a colon is expected here"),
    ("{\"method\": 'pix2pix'}", "e.json:1:12: a value is expected here"),
    ("{\"rate\":1,}", "e.json:1:11: a key in double quotes is expected here"),
    ("{\"rate\":1,\n\"rate\":2}", "e.json:2:1: the key \"rate\" occurs twice"),
    ("{\"rate\":01}", "e.json:1:9: a number may not start with 0"),
    ("{\"rate\":1e999}", "e.json:1:9: a number is too large"),
    ("{\"rate\":NaN}", "e.json:1:9: a value is expected here"),
    ("{\"rate\":-}", "e.json:1:10: a digit is expected here"),
    ("{\"rate\":\"\t\"}", "e.json:1:10: a control character inside a string must be escaped"),
    ("{\"rate\":\"\\x\"}", "e.json:1:11: no such escape in a string"),
    ("{\"rate\":\"\\ud83e\\u0041\"}", "e.json:1:10: half of a surrogate pair is missing"),
    ("", "e.json:1:1: the document ends too early"),
    (
      "{\"method\":\"pix2pix\",\n\"networks\":{}}",
      "e.json:2:1: unknown key networks; did you mean network? "
        + "(known are attention, method, network, rate, seed, subjects, width)"
    ),
    (
      "{\"network\":{\"height\":1}}",
      "e.json:1:13: unknown key network.height (known are network.levels, network.name, network.width)"
    ),
    (
      "{\"levels\":1}",
      "e.json:1:2: unknown key levels; did you mean network.levels? "
        + "(known are attention, method, network, rate, seed, subjects, width)"
    ),
    ("{\"subjects\":[{\"age\":1}]}", "e.json:1:2: subjects.element 1.name is missing"),
    ("{\"method\":1}", "e.json:1:2: method must be text"),
    ("{\"method\":null}", "e.json:1:2: method is null, but must be text"),
    ("{\"seed\":-1}", "e.json:1:2: seed is -1; it must be a whole number in range"),
    (
      "{\"width\":1,\"attention\":[1,2.5]}",
      "e.json:1:12: network.levels is [1,2.5]; it must be whole numbers in range"
    ),
    ("{\"network\":{\"width\":\"a\"}}", "e.json:1:13: network.width must be a whole number"),
    ("{\"network\":[]}", "e.json:1:2: network must be an object"),
    ("[]", "e.json:1:1: must be a JSON object of settings"),
    (
      "{\"subjects\":[{\"name\":\"a\"},3]}", "e.json:1:2: subjects.element 2 must be an object"
    ),
    (
      "{\"method\":\"syndif\"}",
      "e.json:1:2: method: syndif is not known; known are pix2pix, syndiff; did you mean syndiff?"
    ),
  ])
  func `what is wrong is said in one line with its place`(_ text: String, _ message: String) {
    let failure = #expect(throws: Failure.self) { try laid(text, .inconsistent) }
    #expect(failure?.message == message)
    #expect(failure?.kind == .inconsistent)
  }

  @Test func `a document without defaults says what is missing`() throws {
    let data = Data("{\"network\":{\n\"name\":\"a\", \"width\": 3}}".utf8)
    let document = try StrictJSON.parse(data, file: "m.json")
    let failure = #expect(throws: Failure.self) {
      try StrictJSON.decode(document, as: [String: Experiment.Network].self, of: data, file: "m.json")
    }
    #expect(failure?.message == "m.json:1:2: network.levels is missing" && failure?.kind == .malformed)
  }

  @Test func `values are kept apart`() throws {
    let text =
      #" [0, -0, -12, 9223372036854775807, 9223372036854775808, 1.0, 1E+2, "\u00e9\/\n", true, null, {}] "#
    let value = try StrictJSON.parse(Data(text.utf8), file: "v")
    let expected: [JSONValue] = [
      .integer(0), .number(0), .integer(-12), .integer(9_223_372_036_854_775_807),
      .integer(9_223_372_036_854_775_808), .number(1), .number(100),
      .string("é/\n"), .bool(true), .null, .object([]),
    ]
    #expect(value == .array(expected))
    #expect(throws: Failure.self) {
      try StrictJSON.parse(Data(String(repeating: "[", count: 1_000_000).utf8), file: "v")
    }
  }

  @Test func `20,000 mutations never crash, and what is accepted decodes or says why`() throws {
    let valid = Array(
      #"{"method":"pix2pix","rate":-1.5e-3,"network":{"width":16},"subjects":[{"name":"\ud83e\udde0"}]}"#.utf8
    )
    let telling = Array("{}[]\",:\\0123456789-.eu".utf8) + [0, 0x7F, 0x80, 0xFF]
    var random = SplitMix64(seed: 2)
    let clock = ContinuousClock()
    var slowest = Duration.zero
    let count = Soak.count(20_000, soak: 100_000)
    for _ in 0..<count {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = telling.randomElement(using: &random) ?? 0
        case 1: bytes.remove(at: place)
        default: bytes.insert(telling.randomElement(using: &random) ?? 0, at: place)
        }
      }
      let start = clock.now
      defer { slowest = max(slowest, clock.now - start) }
      do {
        var settings = try Settings(Experiment())
        try settings.lay(Data(bytes), named: "e.json")
      } catch let failure as Failure {
        #expect(failure.message.hasPrefix("e.json:1:"))
      }
    }
    Soak.report("\(count) mutated JSON files: 0 crashes, the slowest took \(slowest)")
  }
}
