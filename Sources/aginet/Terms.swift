import Failures

/// What the library's messages name, as this command line has it.
enum CommandLineTerms {
  private static let words: [Term: String] = [
    .settings: "--set",
    .splits: "--splits", .slices: "--slices", .size: "--size", .modalities: "--modalities", .picks: "--pick",
    .region: "--region", .resamples: "--resample", .registers: "--register",
    .allowsDuplicates: "--allow-duplicates",
    .device: "--device",
    .batchSize: "--batch", .network: "--network", .width: "--width", .threads: "--threads", .steps: "--steps",
    .targets: "--targets", .biasField: "--bias-field", .intensity: "--intensity", .start: "--from",
    .acceptsDoubts: "--force",
    .sampler: "--sampler",
    .samples: "--samples",
    .seeds: "--seeds", .output: "-o", .overwrites: "--force", .recomputes: "--recompute",
    .resumes: "--resume", .preparation: "aginet prepare", .training: "aginet train",
    .synthesis: "aginet synthesize", .segmentation: "aginet segment", .assessment: "aginet assess",
    .setup: "make setup",
    .diagnosis: "aginet doctor", .inspection: "aginet info",
  ]

  static func install() {
    Term.install { term in
      if term.withoutValue == .scan { return "--\(term.value ?? "")" }
      guard let word = words[term.withoutValue] else {
        guard let value = term.value else { return term.name }
        let pair = "\(term.name)=\(value)"
        // A shell takes brackets for a pattern.
        return "--set " + (value.contains("[") ? "'\(pair)'" : pair)
      }
      return term.value.map { "\(word) \($0)" } ?? word
    }
  }
}
