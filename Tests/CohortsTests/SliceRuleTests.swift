import Cohorts
import Failures
import Testing

@Suite struct SliceRuleTests {
  @Test(arguments: [
    ("central:90", 130, 20..<110), ("central:90", 136, 23..<113), ("central:90", 112, 11..<101),
  ])
  func centralSlicesOfIXI(rule: String, depth: Int, expected: Range<Int>) throws {
    #expect(try SliceRule(rule).indices(depth: depth) == expected)
  }

  /// IXI014-HH-1236, the thin stack whose published slices are 1 to 25.
  @Test func thinStackLosesItsEnds() throws {
    #expect(try SliceRule.central(90).indices(depth: 27) == 1..<26)
  }

  /// The count of the IXI training split: 499 full stacks and the thin one.
  @Test func reproducesThePublishedNumberOfTrainingSlices() throws {
    let depths = Splits.ixi.train.map { $0 == "IXI014-HH-1236" ? 27 : $0.contains("-IOP-") ? 136 : 130 }
    #expect(try depths.reduce(0) { try $0 + SliceRule.central(90).indices(depth: $1).count } == 44935)
  }

  @Test func rangeOfBraTS() throws {
    #expect(try SliceRule("37-116").indices(depth: 155) == 37..<117)
    #expect(try SliceRule("37-116").indices(depth: 155).count == 80)
    #expect(try failure { _ = try SliceRule("37-116").indices(depth: 116) }.kind == .inconsistent)
  }

  @Test func aStackOfTwoHasNothingBetweenItsEnds() throws {
    #expect(try failure { _ = try SliceRule.central(90).indices(depth: 2) }.kind == .inconsistent)
  }

  @Test(arguments: ["central:90", "37-116", "all", "0-0"])
  func textRoundTrip(text: String) throws {
    #expect(try SliceRule(text).description == text)
  }

  @Test(arguments: ["", "central", "central:0", "central:-3", "116-37", "-5", "5-", "middle", "1-2-3"])
  func refusesOtherText(text: String) throws {
    #expect(try failure { _ = try SliceRule(text) }.kind == .usage)
  }
}
