import Cohorts
import Experiments
import Imaging

// The paper's figures that show results. What they need is trained for Table 5 as well.

extension Study {
  /// PSNR against the translation of one source at test time, of networks trained on aligned images.
  static func figure3(_ base: Experiment) -> Study {
    let networks: [(network: String, title: String, standing: Row.Standing)] = [
      ("resunet", "ResUnet", .published), ("agi-net", "AGI-Net", .published),
      ("deform-resunet", "Deform-ResUnet", .ifTrained), ("arc-resunet", "ARC-ResUnet", .ifTrained),
      ("gra-resunet", "GRA-ResUnet", .ifTrained),
    ]
    let radii = (0...6).map { Double($0) / 2 }
    return Study(
      "figure3", "Figure 3",
      "PSNR where \(base.shifted.title) is translated at random while testing; all networks were trained on images as "
        + "they are, in pixel2pixel.",
      form: .curve, heading: "Largest translation (pixels)",
      conditions: radii.map { radius in
        Condition(
          "\(radius)", base.scenario, shift: radius > 0 ? Perturbation(of: base.shifted, radius: radius) : nil
        )
      },
      rows: networks.map { network in
        Row(
          network.title, Array(repeating: base.with(network: network.network), count: radii.count),
          network.standing)
      })
  }

  private static func pair(
    _ name: String, _ title: String, _ caption: String, _ form: Form, _ base: Experiment
  )
    -> Study
  {
    Study(
      name, title, caption, form: form, heading: "Network",
      conditions: [Condition(base.scenario.description, base.scenario)],
      rows: [
        Row("ResUnet", [base.with(network: "resunet")]), Row("AGI-Net", [base.with(network: "agi-net")]),
      ])
  }

  static func figure5(_ base: Experiment) -> Study {
    pair(
      "figure5", "Figure 5",
      "One test subject: the acquired image and both syntheses, a detail, and the errors.",
      .pictures, base)
  }

  static func figure6(_ base: Experiment) -> Study {
    pair(
      "figure6", "Figure 6",
      "What comes out of each stage: the first three principal components as red, green and blue.",
      .features, base)
  }
}
