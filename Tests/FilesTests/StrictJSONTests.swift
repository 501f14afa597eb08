import Failures
import Files
import Foundation
import ScanSupport
import Testing

@Suite struct StrictJSONTests {
  struct Experiment: Decodable, Equatable {
    enum Method: String, Decodable { case pix2pix, syndiff }
    struct Network: Decodable, Equatable { var width: Int }
    struct Subject: Decodable, Equatable { var name: String }

    var method: Method
    var rate: Double?
    var network: Network
    var subjects: [Subject]?
    var splits: [String: Subject]?
  }

  let keys = [
    "": ["method", "rate", "network", "subjects", "splits"], "network": ["width"], "subjects/*": ["name"],
    "splits/*": ["name"],
  ]

  func decode(_ text: String, _ kind: Failure.Kind = .malformed) throws -> Experiment {
    try StrictJSON.decode(from: Data(text.utf8), file: "e.json", keys: keys, kind: kind)
  }

  @Test func `what is right is decoded`() throws {
    let text = #"{"method":"pix2pix","rate":2e-4,"network":{"width":16},"splits":{"b":{"name":"c"}}}"#
    let expected = Experiment(
      method: .pix2pix, rate: 2e-4, network: .init(width: 16), splits: ["b": .init(name: "c")])
    #expect(try decode(text) == expected)
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
      "e.json:2:1: unknown key \"networks\"; did you mean \"network\"? "
        + "(known: method, rate, network, subjects, splits)"
    ),
    ("{\"network\":{\"height\":1}}", "e.json:1:13: unknown key \"height\" (known: width)"),
    ("{\"subjects\":[{\"name\":\"\"},{\"age\":1}]}", "e.json:1:27: unknown key \"age\" (known: name)"),
    ("{\"splits\":{\"network\":{\"age\":1}}}", "e.json:1:23: unknown key \"age\" (known: name)"),
    ("{\"method\":\"pix2pix\"}", "e.json:1:1: the key \"network\" is missing"),
    ("{\"method\":\"pix2pix\",\"network\":{}}", "e.json:1:21: the key \"width\" is missing in \"network\""),
    ("{\"method\":1}", "e.json:1:2: \"method\" should be text"),
    (
      "{\"method\":\"pix2pix\",\"network\":{\"width\":\"a\"}}",
      "e.json:1:32: \"width\" should be a whole number"
    ),
    ("[]", "e.json:1:1: the document should be an object"),
    (
      "{\"method\":\"pix2pix\",\"network\":{\"width\":1},\"subjects\":[{\"name\":\"a\"},3]}",
      "e.json:1:43: element 2 should be an object"
    ),
  ])
  func `what is wrong is said in one line with its place`(_ text: String, _ message: String) {
    let failure = #expect(throws: Failure.self) { try decode(text, .inconsistent) }
    #expect(failure?.message == message)
    #expect(failure?.kind == .inconsistent)
  }

  @Test func `a value that a type refuses`() {
    let failure = #expect(throws: Failure.self) { try decode(#"{"method":"pixpix","network":{"width":1}}"#) }
    #expect(failure?.message.hasPrefix("e.json:1:2: \"method\": ") == true)
    #expect(failure?.message.contains("pixpix") == true)
    #expect(failure?.kind == .malformed)
  }

  @Test func `values are kept apart`() throws {
    let text =
      #" [0, -0, -12, 9223372036854775807, 9223372036854775808, 1.0, 1E+2, "\u00e9\/\n", true, null, {}] "#
    let value = try StrictJSON.parse(Data(text.utf8), file: "v")
    let expected: [JSONValue] = [
      .integer(0), .number(0), .integer(-12), .integer(.max), .number(0x1p63), .number(1), .number(100),
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
        _ = try StrictJSON.decode(Experiment.self, from: Data(bytes), file: "e.json", keys: keys)
      } catch let failure as Failure {
        #expect(failure.message.hasPrefix("e.json:1:"))
      }
    }
    Soak.report("\(count) mutated JSON files: 0 crashes, the slowest took \(slowest)")
  }
}
