import Cohorts
import Imaging
import Metrics
import PipelineSupport
import Reporting
import Runs
import Testing

@Suite struct NoticeTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort
  init() throws {
    scratch = try Scratch()
    cohort = try makeCohort(scratch)
  }

  /// What computed the scans decides; where an earlier store does not say, the folder's name.
  @Test(arguments: [
    ("raw", [Phantom.generator] as [String]?, true), ("phantom-study", [], false), ("raw", [], false),
    ("raw", nil, false), ("Phantom-24", nil, true),
  ])
  func theAtlasIsNamedWhereItIsUsed(name: String, generatedBy: [String]?, isNamed: Bool) {
    var manifest = cohort.manifest
    (manifest.name, manifest.generatedBy) = (name, generatedBy)
    #expect(Notice.known(for: manifest) == (isNamed ? [Notice.atlas] : []))
  }
}
