import Cohorts
import Failures
import Foundation
import PipelineSupport
import Reporting
import Runs
import Testing
import Torch

/// The page of a segmentation, and what a synthesis' page says of lesions.
@Suite(.serialized) struct SegmentationReportTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func itIsOneFileWithEverySection() throws {
    let (run, cohort) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.cohort())
    var options = Assessment.Options()
    (options.shown, options.split) = (.typical, .train)
    let assessment = try SegmentationAssessment(of: [run], on: cohort, options, device: .cpu)
    let report = try SegmentationReport(
      [run], assessment: assessment, cohort: cohort, commands: ["aginet report <seg>"])
    try report.write(to: scratch("new/report.html"))
    let page = try String(contentsOfFile: scratch("new/report.html"), encoding: .utf8)
    for id in ["scores", "pictures", "curves", "subjects", "runs"] {
      #expect(page.contains("id=\"\(id)\""), "section \(id)")
    }
    #expect(page.contains("COMPUTED segmentation of T1, T2; not drawn by a person."))
    #expect(page.contains("WT (1, 2, 3), TC (1, 3), ET (3)") && page.contains("2-D Dice"))
    #expect(page.contains("Validation Dice") && page.contains("Loss: cross-entropy"))
    #expect(page.contains("The lowest 3-D Dice of Segmentation, "))
    #expect(page.contains("aginet report &lt;seg&gt;"))
    checkNothingExternal(page)
    checkBalance(page)
    // Two subjects on two contrasts, in three planes and a detail, each with the outlines of truth and findings.
    #expect(page.matches(of: #/<img /#).count == 2 * 2 * 4)
    #expect(page.matches(of: #/class="lesion"/#).count == 2 * 2 * 4)
    #expect(page.matches(of: #/class="found"/#).count == 2 * 2 * 4)
  }

  @Test func severalRunsStandBesideEachOther() throws {
    let (run, cohort) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.cohort())
    let other = try Run.train(tinySegmentation(iterations: 2), on: cohort, into: scratch("other"))
    var options = Assessment.Options()
    options.shown = .named(["sub-05"])
    let assessment = try SegmentationAssessment(of: [run, other], on: cohort, options, device: .cpu)
    let page = try SegmentationReport([run, other], assessment: assessment, cohort: cohort).html
    #expect(page.matches(of: #/<img /#).count == 2 * 4 && page.contains("Chosen by name."))
    #expect(page.contains("Segmentation [other]"))
    options.shown = nil
    let unasked = try SegmentationAssessment(of: [run], on: cohort, options, device: .cpu)
    let failure = try failure {
      _ = try SegmentationReport([run], assessment: unasked, cohort: cohort)
    }
    #expect(failure.kind == .usage)
  }

  @Test func aSynthesisPageTellsOfLesions() throws {
    let (run, cohort) = (try TrainedOnTumours.synthesis(), try TrainedOnTumours.cohort())
    var options = Assessment.Options()
    options.shown = .typical
    let assessment = try Assessment(of: [run], on: cohort, options, device: .cpu)
    let page = try Report([run], assessment: assessment, cohort: cohort).html
    #expect(
      page.contains("Inside the lesions") && page.contains("Missed (ml)") && page.contains("Invented (ml)"))
    checkBalance(page)
  }
}
