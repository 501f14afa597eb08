import Cohorts
import Files
import Imaging
import Inference
import Runs
import Training

extension Report {
  var footer: HTML {
    HTML("footer", ["id": "runs"]) {
      HTML("h2") { "Runs and data" }
      HTML("h3") { "Intended use" }
      for use in Set(entries.map(\.card.intendedUse)).sorted() { HTML("p") { use } }
      HTML("h3") { "Data" }
      HTML(facts: dataFacts)
      if !manifest.leftOut.isEmpty {
        HTML("details") {
          HTML("summary") { "Subjects left out (\(manifest.leftOut.count))" }
          HTML("ul") {
            for one in manifest.leftOut { HTML("li") { "\(one.id): \(one.reason)" } }
          }
        }
      }
      for notice in Notice.known(for: manifest) { HTML("p") { notice } }
      HTML("h3") { "Model files" }
      for entry in entries {
        HTML(facts: [
          ("Model", entry.name), ("File", entry.run.folder.model), ("SHA-256", entry.sha256),
        ])
      }
      if !options.commands.isEmpty {
        HTML("h3") { "Commands" }
        HTML("pre") { options.commands.joined(separator: "\n") }
      }
      HTML("p") { "Written by aginet \(Version.current)." }
    }
  }

  private var dataFacts: [(name: String, value: String)] {
    let counts = Split.allCases.map { split in
      let subjects = manifest.subjects.filter { $0.split == split }
      return "\(split.rawValue) \(subjects.count) (\(subjects.reduce(0) { $0 + $1.slices.count }) slices)"
    }
    return [
      ("Cohort", "\(manifest.name), read as \(manifest.layout)"),
      ("Modalities", manifest.modalities.map(\.title).joined(separator: ", ")),
      ("Subjects", counts.joined(separator: ", ")),
      ("Splits", manifest.splits),
      ("Slices", "\(manifest.sliceRule)"),
      ("Intensities", manifest.intensity),
      ("Prepared by", manifest.program),
      ("SHA-256 of \(CohortManifest.fileName)", cohortHash),
    ]
  }

  /// A word as a shell takes it.
  public static func quoted(_ word: String) -> String {
    word.wholeMatch(of: /[A-Za-z0-9\-_.\/:=,+@%]+/) != nil ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

/// Licences that this program knows it owes.
public enum Notice {
  /// The atlas from which phantoms are computed.
  public static let atlas =
    "The phantom's anatomy comes from the ICBM 152 nonlinear atlas, version 2009a symmetric (Fonov et al., NeuroImage "
    + "2009; 47 Supplement 1: S102; NeuroImage 2011; 54(1): 313-327). Copyright (C) 1993-2004 Louis Collins, McConnell "
    + "Brain Imaging Centre, Montreal Neurological Institute, McGill University. Permission to use, copy, modify, and "
    + "distribute this software and its documentation for any purpose and without fee is hereby granted, provided that "
    + "the above copyright notice appear in all copies. The authors and McGill University make no representations about "
    + "the suitability of this software for any purpose. It is provided \"as is\" without express or implied warranty. "
    + "The authors are not responsible for any data loss, equipment damage, property loss, or injury to subjects or "
    + "patients resulting from the use or misuse of this software package."

  /// Stores of before it was kept what computed the scans know phantoms by the folder's name alone.
  package static func known(for manifest: CohortManifest) -> [String] {
    let isPhantom =
      manifest.generatedBy.map { $0.contains(Phantom.generator) }
      ?? manifest.name.lowercased().contains("phantom")
    return isPhantom ? [atlas] : []
  }
}
