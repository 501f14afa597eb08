import Cohorts
import Experiments
import Foundation
import Imaging
import PipelineSupport
import Reporting
import Runs
import Testing
import Torch

/// The page of models that were measured on people.
@Suite struct AssessmentPageTests {
  private let scratch: Scratch
  private let page: String
  private let assessment: PeopleAssessment

  /// A model of PD, and one that makes whatever is missing; four people, one of whom cannot be read.
  init() throws {
    scratch = try Scratch()
    try makeBIDS(scratch("raw"), subjects: 4)
    try scratch.write("no scan", to: "raw/sub-04/anat/sub-04_PDw.nii.gz")
    var options = PeopleAssessment.Options()
    options.tasks = try ["t1,t2>pd", "t1>t2"].map { try PersonTask($0) }
    try FileManager.default.createDirectory(atPath: scratch("out"), withIntermediateDirectories: true)
    var page = AssessmentPage(in: scratch("out"))
    assessment = try PeopleAssessment(
      of: [(name: "AGI-Net", model: Trained.model()), (name: "Any <subset>", model: Trained.anySubset())],
      on: [CohortLayout.named("bids").open(scratch("raw"))], options, picturing: { try page.draw($0) })
    self.page = try page.write(assessment)
  }

  @Test func itSaysByWhatTheFiguresCame() throws {
    for model in [try Trained.model(), try Trained.anySubset()] { #expect(text.contains(model.sha256)) }
    #expect(!text.contains("axial ones alone"))
    var options = PeopleAssessment.Options()
    options.tasks = [try PersonTask("t1>t2")]
    options.isAxialAlone = true
    options.alignment.rule = .registration
    let other = try PeopleAssessment(of: [], on: [CohortLayout.named("bids").open(scratch("raw"))], options)
    #expect(scratch.files(in: "out/figures").count == 6)
    try scratch.write("mine", to: "out/figures/notes.txt")
    let page = try AssessmentPage(in: scratch("out")).write(other)
    // It shows nobody, so nobody's picture is left.
    #expect(scratch.files(in: "out/figures") == ["notes.txt"])
    let words = try scratch.text("out/assessment.html")
    #expect(page.hasSuffix("assessment.html") && words.contains("axial ones alone"))
    #expect(words.contains("registered") && words.contains("There is nobody of whom both"))
  }

  private var text: String { contents(of: page).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  @Test func tasksPeopleAndPicturesAreOnIt() throws {
    #expect(page == scratch("out/assessment.html"))
    checkBalance(text)
    #expect(text.contains("SYNTHETIC") && !text.contains("http:") && !text.contains("https:"))
    #expect(!text.contains(scratch.path) && !text.contains("Any <subset>"))
    // Three people have an interval.
    let overview = try #require(text.split(separator: "<section id=\"reliability\">").first)
    #expect(overview.contains(#/\d\.\d\d \([−\d.]+ to [−\d.]+\)/#))
    for title in ["AGI-Net", "Any &lt;subset&gt;", "Scaled copy", "Ceiling: own look-up", "Sharpness"] {
      #expect(text.contains(title), "\(title)")
    }
    for person in 1...3 { #expect(text.contains("<h3>sub-0\(person)</h3>")) }
    #expect(text.contains("sub-04: sub-04/anat/sub-04_PDw.nii.gz: "))
    let pictures = text.matches(of: #/<img src="([^"]*)"/#).map { String($0.1) }
    #expect(
      pictures
        == (1...3).flatMap { person in
          ["t1-t2-to-pd", "t1-to-t2"].map { "figures/raw_sub-0\(person)_\($0).png" }
        })
    for picture in pictures {
      #expect(contents(of: scratch("out/\(picture)"))?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }
  }

  /// The figures are those of the assessment; a point for each image of which a reliability is told.
  @Test func whatAModelSaysOfItselfStandsBesideWhatIsSo() throws {
    let told = assessment.rows.filter { $0.reliability != nil }
    // Of two given contrasts, and by the model that can be asked.
    #expect(
      told.count == 3 && told.allSatisfy { $0.method == "Any <subset>" && $0.scenario.target.title == "PD" })
    #expect(text.matches(of: #/<circle /#).count == 3)
    let flagged = told.count { ($0.reliability ?? 0) < 0 }
    #expect(text.contains("Any &lt;subset&gt;: of 3 images \(flagged) would be refused"))
  }

  @Test(.enabled(if: Browser.path != nil)) func aBrowserShowsIt() throws {
    #expect(try Browser.seen(of: text, in: scratch, beside: "out") == "6 of 6, in place")
  }
}
