import Cohorts
import Experiments
import Failures
import Imaging
import Networks

// Rows and columns follow the paper's text and captions; what is added stands below a line.

extension Study {
  /// What there is of the paper, in the order in which it builds upon itself.
  private static let catalog: [(name: String, make: @Sendable (Experiment) -> Study)] = [
    ("table1", comparison("Table 1", "IXI", [.t1, .t2, .pd])),
    ("table2", comparison("Table 2", "BraTS2023 from two modalities", [.t1, .t2, .flair])),
    ("table3", comparison("Table 3", "BraTS2023 from three modalities", [.t1, .t2, .flair, .t1gd])),
    ("table4", tumours), ("table5", halves), ("table6", convolutions), ("table7", groups),
    ("table8", backbones),
    ("table9", stages), ("table10", volumes), ("table10b", inputs), ("figure3", curve),
    ("figure3b", translatedCurve),
    (
      "figure5",
      pair(
        "Figure 5", .pictures,
        "One test subject: the acquired image and both syntheses, a detail, and the errors.")
    ),
    (
      "figure6",
      pair(
        "Figure 6", .features,
        "What comes out of each stage: the first three principal components as red, green and blue.")
    ),
  ]

  public static let names = catalog.map(\.name)

  /// - Parameters:
  ///   - base: what all experiments share: iterations, width, rate, the scenario of the ablations, and the patches that
  ///     what is of volumes trains on; all else trains on slices or slabs.
  /// - Throws: `.usage` for a name the paper does not have.
  public init(named name: String, base: Experiment) throws {
    guard let entry = Study.catalog.first(where: { $0.name == name }) else {
      let known = (Study.names + ["all"]).joined(separator: ", ")
      throw Failure(.usage, "'\(name)' is no table or figure that can be reproduced; known are \(known)")
    }
    let study = entry.make(base)
    // What is of slices stays so where volumes are asked for.
    self = study.form == .volumes || base.region.dimensions == 2 ? study : study.mapping { $0.seeing(.slice) }
  }

  // MARK: - Tables

  /// The frameworks in the order of Tables 1 to 3.
  static let frameworks = ["ddpm", "iddpm", "selfrdb", "pgan", "mmgan", "medsynth"]

  /// Existing methods with their own generators, pix2pix with ResUnet, and pix2pix with AGI-Net: each modality from all
  /// others.
  private static func comparison(
    _ title: String, _ scenes: String, _ modalities: [Modality]
  ) -> @Sendable (Experiment) -> Study {
    let scenarios = modalities.map { target in
      Scenario(sources: modalities.filter { $0 != target }, target: target)
    }
    return { base in
      func row(_ title: String?, _ method: String, _ network: String) -> Row {
        let experiments = scenarios.map { base.with(method: method, network: network, scenario: $0) }
        return Row(title ?? experiments[0].title, experiments)
      }
      return Study(
        title, "Existing methods, in the scenarios of \(scenes). Ours is AGI-Net in pixel2pixel.",
        heading: "Method", conditions: scenarios.map { Condition($0.description, $0) },
        rows: frameworks.map { row(nil, $0, NetworkCatalog.published) } + [
          row("pixel2pixel", "pix2pix", "resunet"), row("Ours", "pix2pix", "agi-net"),
        ])
    }
  }

  /// What has one scenario, and rows that differ in the network.
  private static func ablation(
    _ title: String, _ caption: String, form: Form = .table, heading: String, _ base: Experiment,
    rows: [Row], needsAllRows: Bool = false
  ) -> Study {
    Study(
      title, caption, form: form, heading: heading,
      conditions: [Condition(base.scenario.description, base.scenario)],
      rows: rows, needsAllRows: needsAllRows)
  }

  @Sendable private static func halves(_ base: Experiment) -> Study {
    ablation(
      "Table 5", "Group-wise rolling (GR) and cross-group attention (CA), in pixel2pixel.",
      heading: "Convolution", base,
      rows: [
        Row("Standard", [base.with(network: "resunet")]),
        Row("+ GR", [base.with(network: "rolling-resunet")]),
        Row("+ GR + CA", [base.with(network: "agi-net")]),
        Row("+ CA", [base.with(network: "attention-resunet")], .added),
      ])
  }

  @Sendable private static func convolutions(_ base: Experiment) -> Study {
    let shift = base.largestShift
    func row(_ title: String, _ network: String, _ standing: Row.Standing = .published) -> Row {
      let aligned = base.with(network: network)
      var translated = aligned
      translated.perturbation = shift
      return Row(title, [aligned, translated], standing)
    }
    return Study(
      "Table 6",
      "Kinds of convolution where \(base.shifted.title) is translated at random by up to 3 pixels, in pixel2pixel.",
      heading: "Convolution",
      conditions: ["Translated in testing alone", "Translated in training and testing"].map {
        Condition($0, base.scenario, shift: shift)
      },
      rows: [
        row("Standard", "resunet"), row("Deformable", "deform-resunet"), row("ARC", "arc-resunet"),
        row("CAGR", "agi-net"), row("GRA", "gra-resunet", .added),
      ])
  }

  @Sendable private static func groups(_ base: Experiment) -> Study {
    ablation(
      "Table 7", "The number of groups n of the CAGR modules, in pixel2pixel.", heading: "Groups", base,
      rows: [Row("Standard", [base.with(network: "resunet")])]
        + [2, 4, 8, 16].map { groups in
          var experiment = base.with(network: "agi-net")
          experiment.network.groups = groups
          return Row("n = \(groups)", [experiment])
        }, needsAllRows: true)
  }

  @Sendable private static func backbones(_ base: Experiment) -> Study {
    let networks = [("resunet", "ResUnet"), ("agi-net", "AGI-Net")]
    return Study(
      "Table 8", "ResUnet and AGI-Net as the backbone of each method.", heading: "Method",
      conditions: networks.map { Condition($0.1, base.scenario) },
      rows: (frameworks.map { ($0, nil) } + [("pix2pix", "pixel2pixel")]).map { method, title in
        let experiments = networks.map { base.with(method: method, network: $0.0) }
        return Row(title ?? experiments[0].frameworkTitle ?? method, experiments)
      })
  }

  @Sendable private static func stages(_ base: Experiment) -> Study {
    ablation(
      "Table 9", "CAGR in place of the first convolutions of more and more stages, in pixel2pixel.",
      heading: "Stages replaced", base,
      rows: (0...Stage.allCases.count).map { count in
        var experiment = base.with(network: count == 0 ? "resunet" : "agi-net")
        if count > 0 { experiment.network.stages = Array(Stage.allCases.prefix(count)) }
        return Row(
          count == 0 ? "0" : "\(count): \(count > 1 ? "… " : "")\(Stage.allCases[count - 1])", [experiment])
      })
  }

  // MARK: - Figures that show results; what they need is trained for Table 5 as well

  /// PSNR against the translation of one source at test time; in the paper networks are trained on aligned images.
  @Sendable private static func curve(_ base: Experiment) -> Study {
    curve("Figure 3", base, trainedOn: "as they are")
  }

  /// The same of networks that were trained under the translations of Table 6, and are the same runs.
  @Sendable private static func translatedCurve(_ base: Experiment) -> Study {
    var translated = base
    translated.perturbation = base.largestShift
    return curve(
      "Figure 3, added", name: "figure3b", translated,
      trainedOn: "translated at random by up to \(Int(base.largestShift.radius)) pixels")
  }

  private static func curve(
    _ title: String, name: String? = nil, _ base: Experiment, trainedOn: String
  ) -> Study {
    let radii = (0...6).map { Double($0) / 2 }
    func row(_ title: String, _ network: String, _ standing: Row.Standing = .ifTrained) -> Row {
      Row(title, Array(repeating: base.with(network: network), count: radii.count), standing)
    }
    return Study(
      title, name: name,
      "PSNR where \(base.shifted.title) is translated at random while testing; all networks were trained on images "
        + "\(trainedOn), in pixel2pixel.",
      form: .curve, heading: "Largest translation (pixels)",
      conditions: radii.map { radius in
        Condition(
          "\(radius)", base.scenario, shift: radius > 0 ? Perturbation(of: base.shifted, radius: radius) : nil
        )
      },
      rows: [
        row("ResUnet", "resunet", .published), row("AGI-Net", "agi-net", .published),
        row("Deform-ResUnet", "deform-resunet"), row("ARC-ResUnet", "arc-resunet"),
        row("GRA-ResUnet", "gra-resunet"),
      ])
  }

  private static func pair(
    _ title: String, _ form: Form, _ caption: String
  ) -> @Sendable (Experiment) -> Study {
    { base in
      ablation(
        title, caption, form: form, heading: "Network", base,
        rows: [
          Row("ResUnet", [base.with(network: "resunet")]), Row("AGI-Net", [base.with(network: "agi-net")]),
        ])
    }
  }
}

extension Experiment {
  /// The same with another method, network or scenario.
  func with(method: String? = nil, network: String, scenario: Scenario? = nil) -> Experiment {
    var copy = self
    copy.network.name = network
    if let method { copy.method = method }
    if let scenario { copy.scenario = scenario }
    return copy
  }

  /// The same that sees another region.
  func seeing(_ region: Region) -> Experiment {
    var copy = self
    copy.region = region
    return copy
  }

  /// The source that is translated in the experiments on misalignment: T2, as in the paper, where it is one.
  fileprivate var shifted: Modality {
    let sources = self.scenario.sources
    return sources.contains(.t2) ? .t2 : sources[sources.count - 1]
  }

  /// The largest translation of Fig. 3, which is Table 6's, in pixels.
  fileprivate var largestShift: Perturbation { Perturbation(of: shifted, radius: 3) }
}
