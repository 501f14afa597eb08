import Experiments
import Foundation
import Imaging
import Methods
import Networks
import Paper
import PipelineSupport
import Reporting
import Runs
import Testing
import Torch

/// The page of tumours and volumes: three planes with outlines, and with errors.
@Suite struct TumourPageTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func tumoursAndVolumesAreShownInThreePlanes() throws {
    try makeTumours(scratch("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    var settings = Reproduction.Settings()
    settings.base = tinyExperiment(iterations: 1)
    (settings.base.pix2pix.weightAdversarial, settings.base.network.groups) = (0, 2)
    settings.base.region = .patch(Extent(8, 16, 16))
    let reproduction = try Reproduction(in: scratch("out"), on: prepared(scratch), settings)
    let wanted = [
      "table4": ["Real", "Zero", "pixel2pixel", "Ours"], "table10": ["Ours"],
      "table10b": ["Slices", "Patches"],
    ]
    let admissions = try ["table4", "table10", "table10b"].map { name in
      var study = try Study(named: name, base: settings.base)
      study.rows = study.rows.filter { wanted[name]?.contains($0.title) == true }
      return try reproduction.admit(study)
    }
    try reproduction.train(admissions.map(\.study))
    let page = try ReproductionPage(
      reproduction, admissions.map { try reproduction.result(of: $0) }, skipped: [],
      command: "aginet reproduce all")
    try page.write()

    let text = try String(contentsOfFile: page.path, encoding: .utf8)
    checkNothingExternal(text)
    checkBalance(text)
    for title in ["Axial, slice", "Coronal, row", "Sagittal, column", "around the largest lesion"] {
      #expect(text.matches(of: try Regex(title)).count == 3, "\(title)")
    }
    // Outlines of the truth and of what was found in every panel of Table 4; elsewhere those of the acquired image alone.
    #expect(text.matches(of: #/class="found"/#).count == 4 * 4)
    #expect(text.matches(of: #/class="lesion"/#).count == 4 * 4 + 2 * 4)
    // Sources, truth, syntheses and errors in each plane and the detail.
    #expect(text.matches(of: #/<img /#).count == 4 * 4 + 4 * (3 + 1 + 1 + 1) + 4 * (3 + 1 + 2 + 2))
    #expect(text.contains("the only subject; mean 3-D Dice of Ours, ") && text.contains("label map in blue"))
    #expect(text.contains("steps between slices") && text.contains("Through-plane error"))
    #expect(text.contains("<td>Segmentation</td>") && text.contains("(T1, T1Gd, T2, FLAIR) -&gt; labels"))

    let files = scratch.files(in: "out").filter { !$0.contains("/") }
    for name in ["table4", "table10", "table10b"] {
      for ending in ["csv", "json", "md", "tex", "png"] {
        #expect(files.contains("\(name).\(ending)"), "\(name).\(ending)")
      }
      #expect(contents(of: scratch("out/\(name).png"))?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
    }
  }
}
