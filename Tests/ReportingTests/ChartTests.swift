import Foundation
import Metrics
import Reporting
import Testing

@Suite struct ChartTests {
  static let degenerate: [[Chart.Point]] = [
    [],
    [Chart.Point(x: 3, y: 2)],
    [Chart.Point(x: 0, y: 0), Chart.Point(x: 0, y: 0)],
    (0..<50).map { Chart.Point(x: Double($0), y: 7) },
    [Chart.Point(x: 1, y: .nan), Chart.Point(x: 2, y: .infinity), Chart.Point(x: 3, y: 1e-300)],
    [Chart.Point(x: 1, y: -1e12), Chart.Point(x: 2, y: 1e12)],
    (0..<5000).map { Chart.Point(x: Double($0), y: sin(Double($0))) },
  ]

  @Test(arguments: degenerate.indices, [true, false])
  func everyCoordinateLiesInThePicture(_ index: Int, smooth: Bool) throws {
    let line = Chart.Line("a", colour: 0, ChartTests.degenerate[index], smooth: smooth)
    let source = Chart(title: "t", horizontal: "x", vertical: "y", lines: [line]).html.source
    #expect(!source.lowercased().contains("nan") && !source.contains("inf"))
    for match in source.matches(of: #/[ML](-?[0-9.]+) (-?[0-9.]+)/#) {
      let (x, y) = (try #require(Double(match.1)), try #require(Double(match.2)))
      #expect((0...560).contains(x) && (0...300).contains(y))
    }
    for match in source.matches(of: #/ (?:x1|x2|y1|y2|cx|cy|x|y)="([^"]*)"/#) {
      #expect((0...560).contains(try #require(Double(match.1))))
    }
  }

  @Test func aRisingLineRisesOnThePage() throws {
    let line = Chart.Line("a", colour: 0, [Chart.Point(x: 0, y: 1), Chart.Point(x: 10, y: 2)])
    let source = Chart(title: "t", horizontal: "x", vertical: "y", lines: [line]).html.source
    let path = try #require(source.firstMatch(of: #/M([0-9.]+) ([0-9.]+)L([0-9.]+) ([0-9.]+)/#))
    #expect(try #require(Double(path.3)) > #require(Double(path.1)))
    #expect(try #require(Double(path.4)) < #require(Double(path.2)))
  }

  @Test func ticksAreRoundAndCover() {
    let ticks = Ticks(covering: [3.1, 17.2])
    #expect(ticks.values.first ?? 99 <= 3.1 && ticks.values.last ?? 0 >= 17.2)
    #expect(ticks.step == 5)
    #expect(Ticks(covering: [0, 0.0004]).label(0.0002) == "0.0002")
    #expect(Ticks(covering: [0, 120_000]).label(100_000) == "100,000")
  }

  @Test func smoothingKeepsALineAndItsEnds() {
    let line = (0..<100).map { Chart.Point(x: Double($0), y: 3 * Double($0)) }
    for (a, b) in zip(Chart.smoothed(line), line) { #expect(abs(a.y - b.y) < 1e-9) }
  }

  /// A thirtieth of 600 points, and the one in the middle.
  @Test func aRunningMeanIsAsLongAsTheNoteSays() {
    let peak = (0..<600).map { Chart.Point(x: Double($0), y: $0 == 300 ? 1 : 0) }
    #expect(Chart.smoothed(peak).count { $0.y > 0 } == 21)
  }

  /// One batch that went wrong leaves the others to be seen, and its peak within the frame.
  @Test func onePeakHidesNothing() throws {
    let points = (0..<400).map { Chart.Point(x: Double($0), y: $0 == 200 ? 100 : 0.1 + Double($0) / 4000) }
    let line = Chart.Line("loss", colour: 0, points, smooth: true)
    #expect(try #require(Chart.shown(points, of: line).max()) < 0.2)
    let source = Chart(title: "t", horizontal: "x", vertical: "y", lines: [line]).html.source
    let heights = try source.matches(of: #/[ML][0-9.]+ (-?[0-9.]+)/#).map { try #require(Double($0.1)) }
    // Once in the faint line, and in the running mean about it.
    #expect(heights.min() == 12 && heights.count { $0 == 12 } <= 20)
    #expect(source.contains(">0.20<"))
    let joined = Chart.Line("score", colour: 0, points)
    #expect(Chart.shown(points, of: joined).max() == 100)
  }

  @Test func logsAreReadColumnByColumn() {
    let log = TrainingLog(text: "iteration,l1,validation_psnr\n1,0.5,\n2,0.25,\n2,,20.5\n3,nan,\n4,0.1")
    #expect(log.losses == ["l1"])
    #expect(log["l1"] == [Chart.Point(x: 1, y: 0.5), Chart.Point(x: 2, y: 0.25)])
    #expect(log.validation(.psnr) == [Chart.Point(x: 2, y: 20.5)] && log.validation(.dice).isEmpty)
    #expect(
      TrainingLog(text: "").losses.isEmpty
        && TrainingLog(path: "/nowhere/log.csv").validation(.psnr).isEmpty)
    let dice = TrainingLog(text: "iteration,dice,cross-entropy,validation_dice\n1,0.5,0.25,\n1,,,0.75")
    #expect(dice.losses == ["dice", "cross-entropy"])
    #expect(dice.validation(.dice) == [Chart.Point(x: 1, y: 75)])
  }
}
