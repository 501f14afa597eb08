import Experiments
import Foundation
import Imaging
import Metrics
import Paper
import PipelineSupport
import Reporting
import Testing
import Torch
import Training

/// A page of a table, a curve and both figures of pictures, from runs of one iteration.
@Suite struct ReproductionPageTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func page(_ names: [String], skipped: [(name: String, reason: String)] = []) throws
    -> ReproductionPage
  {
    var settings = Reproduction.Settings()
    settings.base = tinyExperiment(iterations: 1)
    let reproduction = try Reproduction(in: scratch("out"), on: makeCohort(scratch), settings)
    let admissions = try names.map { try reproduction.admit(Study(named: $0, base: settings.base)) }
    try reproduction.train(admissions.map(\.study))
    return try ReproductionPage(
      reproduction, admissions.map { try reproduction.result(of: $0) }, skipped: skipped,
      command: "aginet reproduce <all>")
  }

  @Test func everythingIsWrittenAndShown() throws {
    let page = try page(
      ["table5", "figure3", "figure5", "figure6"], skipped: [("table2", "needs FLAIR & <more>")])
    try page.write()
    let text = try String(contentsOfFile: page.path, encoding: .utf8)
    #expect(page.path == scratch("out/index.html"))
    for id in ["table5", "figure3", "figure5", "figure6", "skipped", "runs"] {
      #expect(text.contains("id=\"\(id)\"") && text.contains("href=\"#\(id)\""), "\(id)")
    }
    #expect(text.contains("needs FLAIR &amp; &lt;more&gt;") && text.contains("aginet reproduce &lt;all&gt;"))
    #expect(
      text.contains("Intensity look-up") && text.contains("+ GR + CA") && text.contains("not the paper"))
    checkNothingExternal(text)
    checkBalance(text)
    // Figure 5: sources, truth, two syntheses and two errors, whole and in detail; figure 6: seven stages of two networks.
    #expect(text.matches(of: #/<img /#).count == 2 * (2 + 1 + 2 + 2) + 2 * 7)
    #expect(text.matches(of: #/<img [^>]*alt="[^"]+"/#).count == 28)

    let files = scratch.files(in: "out").filter {
      !$0.contains("/")
    }
    #expect(
      files == [
        "figure3.csv", "figure3.json", "figure3.md", "figure3.svg", "figure3.tex", "figure5.png",
        "figure6.png",
        "index.html", "table5.csv", "table5.json", "table5.md", "table5.tex",
      ])
    for name in ["table5", "figure3"] {
      let data = try #require(contents(of: scratch("out/\(name).json")))
      let table = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      #expect((table?["rows"] as? [Any])?.count == (name == "table5" ? 6 : 7))
    }
    for name in ["figure5", "figure6"] {
      #expect(contents(of: scratch("out/\(name).png"))?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
    }
    let svg = try scratch.text("out/figure3.svg")
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.contains("— AGI-Net"))
    checkBalance(svg)
    #expect(!svg.contains("var("))
  }

  /// Pictures are made once, and anew where a model is another.
  @Test func picturesAreKept() throws {
    var settings = Reproduction.Settings()
    settings.base = tinyExperiment(iterations: 1)
    var reproduction = try Reproduction(in: scratch("out"), on: makeCohort(scratch), settings)
    var pictured = 0
    reproduction.observe = { event in
      if case .scoring(let name, let done, let total) = event, name.hasPrefix("pictures"), done == total {
        pictured += 1
      }
    }
    let admission = try reproduction.admit(Study(named: "figure5", base: settings.base))
    try reproduction.train([admission.study])
    func page() throws -> String {
      try ReproductionPage(
        reproduction, [reproduction.result(of: admission)], skipped: [], command: "aginet reproduce figure5"
      ).html
    }
    let first = try page()
    let made = pictured
    #expect(made > 0)
    #expect(try page() == first && pictured == made)
    let models = try admission.study.experiments.map { try reproduction.runFolder(of: $0).model }
    try FileManager.default.removeItem(atPath: models[0])
    try FileManager.default.copyItem(atPath: models[1], toPath: models[0])
    #expect(try page() != first && pictured > made)
  }

  // MARK: - Pieces

  @Test func componentsBecomeColours() throws {
    let (height, width) = (20, 30)
    // The first channel varies most, along the columns; the second along the rows; the third is constant.
    var values: [Float] = []
    for channel in 0..<3 {
      for row in 0..<height {
        for column in 0..<width {
          values.append([3 * Float(column), Float(row), 7][channel])
        }
      }
    }
    let picture = StageFeatures.picture(values, channels: 3, height: height, width: width, stage: "body")
    let pixels = picture.tile.rgb
    func pixel(_ row: Int, _ column: Int) -> [UInt8] {
      let place = 3 * (row * width + column)
      return Array(pixels[place..<place + 3])
    }
    let corners: [[UInt8]] = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [255, 255, 0]]
    #expect([pixel(0, 0), pixel(0, 29), pixel(19, 0), pixel(19, 29)] == corners)
    #expect(abs(picture.explained - 1) < 1e-9)
    #expect((picture.tile.width, picture.tile.height) == (width, height))
  }

  @Test func aMosaicKeepsProportionsAndPlaces() throws {
    let red = Tile(width: 2, height: 1, rgb: [255, 0, 0, 255, 0, 0])
    let tall = Tile(width: 1, height: 1, rgb: [0, 255, 0], aspect: 0.5)
    let png = try Mosaic([[red, tall], [nil, red]]).png()
    func word(_ place: Int) -> Int {
      var value = 0
      for byte in png[place..<place + 4] { value = value << 8 | Int(byte) }
      return value
    }
    // Two columns of 256 with 4 between; rows of 512 and 128.
    #expect(word(16) == 516 && word(20) == 644)
    #expect(throws: Never.self) { try Mosaic([]).png() }
    #expect(throws: Never.self) { try Mosaic([[nil]]).png() }
  }

  @Test func aChartInWordsNamesFractions() {
    let line = Chart.Line("AGI-Net", colour: 1, [Chart.Point(x: 0, y: 30), Chart.Point(x: 0.5, y: 29)])
    let chart = Chart(title: "t", horizontal: "x", vertical: "y", lines: [line])
    #expect(chart.html.source.contains("at 0 to 29.0000 at 0.50"))
  }
}
