import Cohorts
import Foundation
import PipelineSupport
import Testing

/// The demonstration on a cohort of large voxels, with a step of each training.
@Suite struct DemoTests {
  private let scratch: Scratch
  private var aginet: Command
  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private let tiny = [
    "demo", "-o", "demo", "--voxel", "6", "--iterations", "1", "--width", "8", "--batch", "2", "--threads",
    "1",
  ]

  private var page: String {
    String(decoding: contents(of: scratch("demo/report.html")) ?? Data(), as: UTF8.self)
  }

  @Test func theModelInTheBoxStandsBesideThoseThatAreTrained() throws {
    let outcome = try aginet(tiny + ["--subjects", "4"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.messages.contains("physics-5 made the T1 of 1 person in"), "\(outcome.messages)")
    let networks = [
      "AGI-Net (pix2pix)", "ResUnet (pix2pix) [resunet]", "ResUnet (pix2pix) [resunet-from-physics-5]",
      "physics-5", "physics-5, curve fitted",
    ]
    for row in networks + ["Copy of ", "Intensity look-up"] {
      let written = row.replacing("[", with: "\\[").replacing("]", with: "\\]")
      #expect(outcome.output.contains("| \(written)"), "\(row): \(outcome.output)")
    }
    for network in networks { #expect(outcome.output.contains("\n\(network): too few people (1)")) }
    // A step of training lies below a look-up, and the reason is told.
    #expect(outcome.output.contains("  - It is ") && page.contains("<li>It is "))
    #expect(page.contains("nothing of this cohort") && page.contains("of 1 person in"))
    #expect(page.contains("Started from") && page.contains("synthesised by physics-5"))
    let subject = try #require(try PreparedCohort(folder: scratch("demo/cohort")).subjects(in: .test).first)
      .id
    let made = "demo/derivatives/physics-5/\(subject)/anat/\(subject)_space-individual_desc-synthetic_T1w"
    #expect(contents(of: scratch("\(made).nii.gz")) != nil && contents(of: scratch("\(made).json")) != nil)
    #expect(outcome.output.contains("\(made).nii.gz"))
  }

  /// As of a program that was installed alone; with so many people six of them test.
  @Test func withoutTheModelItGoesOn() throws {
    var aginet = aginet
    aginet.environment["AGINET_MODELS"] = scratch.path
    let outcome = try aginet(tiny + ["--subjects", "18"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.lines.contains { $0.contains("it is not installed") }, "\(outcome.messages)")
    for row in ["AGI-Net (pix2pix)", "ResUnet (pix2pix)", "Intensity look-up"] {
      #expect(outcome.output.contains("| \(row)"), "\(outcome.output)")
    }
    #expect(!outcome.output.contains("physics-5") && !page.contains("physics-5"))
    #expect(outcome.output.contains("over 6 people of the test split (95 % t interval"))
    let cohort = try PreparedCohort(folder: scratch("demo/cohort"))
    #expect(Split.allCases.map { cohort.subjects(in: $0).count } == [10, 2, 6])
  }
}
