import ArgumentParser
import Cohorts
import Failures
import Foundation
import Reporting
import Runs
import Training

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write scores, pictures, curves and what CAGR learned as one HTML file that opens offline.",
    discussion: example("aginet report run --data cohort --split test -o run/report.html"))

  @Argument(help: "Run folders; several are compared in one report.")
  var runs: [String]
  @Option(help: "The prepared cohort.")
  var data: String
  @Option(help: "train, validation or test.")
  var split = Split.test
  @Option(
    name: .customLong("subject"),
    help: "A subject to picture; may be given several times (default: the median and the worst).")
  var subjects: [String] = []
  @Option(name: .shortAndLong, help: "The HTML file (default: report.html in the first run's folder).")
  var output: String?
  @Option(help: "Slices at a time.")
  var batch = 4
  @Flag(help: "Replace an existing file named with --output.")
  var force = false
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try check("batch", batch, Bounds.batch)
    if let output { try refuse(output) }
    let device = try compute.apply()
    let cohort = try openedCohort(data)
    let opened = try runs.map { try Run(opening: $0) }
    var options = Assessment.Options()
    (options.split, options.batchSize) = (split, batch)
    options.shown = subjects.isEmpty ? .typical : .named(subjects)
    let path = output ?? opened[0].folder.report
    if opened[0].isSegmentation {
      let assessment = try SegmentationAssessment(
        of: opened, on: cohort, options, device: device, progress: ProgressBar.named("subjects"))
      try keep(in: opened[0]) { try assessment.write(to: $0) }
      try SegmentationReport(
        opened, assessment: assessment, cohort: cohort, commands: commands(opened, on: assessment.cohort),
        device: device
      ).write(to: path)
    } else {
      let progress = ProgressBar.named("slices")
      let assessment = try Assessment(of: opened, on: cohort, options, device: device, progress: progress)
      try keep(in: opened[0]) { try assessment.write(to: $0) }
      var choice = Report.Options()
      (choice.batchSize, choice.commands) = (batch, commands(opened, on: assessment.cohort))
      try Report(
        opened, assessment: assessment, cohort: cohort, options: choice, device: device, progress: progress
      ).write(to: path)
    }
    try Console.result(path)
  }

  /// Writes the scores beside the page, where none are there yet.
  private func keep(in run: Run, _ write: (String) throws -> Void) throws {
    let evaluation = run.folder.evaluation(split.rawValue)
    if Assessment.exists(in: evaluation) {
      Console.note(
        "\(evaluation): an evaluation is there and stays as it is; aginet evaluate --force replaces it")
    } else {
      try write(evaluation)
    }
  }

  /// What to type to get here again.
  private func commands(_ runs: [Run], on cohort: String) -> [String] {
    let data = Report.quoted(cohort)
    let training = runs.map {
      "aginet train \(Report.quoted($0.folder.experiment)) --data \(data) -o \(Report.quoted($0.folder.path))"
    }
    let folders = runs.map { Report.quoted($0.folder.path) }.joined(separator: " ")
    return training
      + ["evaluate", "report"].map { "aginet \($0) \(folders) --data \(data) --split \(split.rawValue)" }
  }

  /// Refuses a name that is taken, and even with --force one that holds anything but a page: it may be an input.
  private func refuse(_ output: String) throws {
    guard let isFolder = RunFolder.isFolder(output) else { return }
    if isFolder { throw Failure(.cannotWrite, "\(output): is a folder; name an HTML file in it") }
    guard force else { throw Failure(.cannotWrite, "\(output): exists already; replace it with --force") }
    let start = FileHandle(forReadingAtPath: output).flatMap { try? $0.read(upToCount: 9) } ?? Data()
    guard start.isEmpty || String(decoding: start, as: UTF8.self).lowercased() == "<!doctype" else {
      throw Failure(
        .refused, "\(output): is not an HTML page, and is not replaced by one; choose another name")
    }
  }
}
