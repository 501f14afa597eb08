import Cohorts
import Experiments
import Imaging
import Networks

// The paper's tables. Rows and columns follow the paper's text and captions; what is added stands below a line.

extension Study {
  /// The frameworks in the order of Tables 1 to 3.
  private static let frameworks = ["ddpm", "iddpm", "selfrdb", "pgan", "mmgan", "medsynth"]

  /// Existing methods with their own generators, pix2pix with ResUnet, and pix2pix with AGI-Net.
  private static func comparison(
    _ name: String, _ title: String, _ caption: String, _ scenarios: [Scenario], _ base: Experiment
  ) -> Study {
    func row(_ title: String?, _ method: String, _ network: String) -> Row {
      let experiments = scenarios.map { base.with(method: method, network: network, scenario: $0) }
      return Row(title ?? experiments[0].title, experiments)
    }
    return Study(
      name, title, caption, heading: "Method",
      conditions: scenarios.map { Condition($0.description, $0) },
      rows: frameworks.map { row(nil, $0, NetworkCatalog.published) } + [
        row("pixel2pixel", "pix2pix", "resunet"), row("Ours", "pix2pix", "agi-net"),
      ])
  }

  static func table1(_ base: Experiment) -> Study {
    comparison(
      "table1", "Table 1", "Existing methods, in the scenarios of IXI. Ours is AGI-Net in pixel2pixel.",
      [
        Scenario(sources: [.t2, .pd], target: .t1), Scenario(sources: [.t1, .pd], target: .t2),
        Scenario(sources: [.t1, .t2], target: .pd),
      ], base)
  }

  static func table2(_ base: Experiment) -> Study {
    comparison(
      "table2", "Table 2",
      "Existing methods, in the scenarios of BraTS2023 from two modalities. Ours is AGI-Net in pixel2pixel.",
      [
        Scenario(sources: [.t2, .flair], target: .t1), Scenario(sources: [.t1, .flair], target: .t2),
        Scenario(sources: [.t1, .t2], target: .flair),
      ], base)
  }

  static func table3(_ base: Experiment) -> Study {
    comparison(
      "table3", "Table 3",
      "Existing methods, in the scenarios of BraTS2023 from three modalities. Ours is AGI-Net in pixel2pixel.",
      [
        Scenario(sources: [.t2, .flair, .t1gd], target: .t1),
        Scenario(sources: [.t1, .flair, .t1gd], target: .t2),
        Scenario(sources: [.t1, .t2, .t1gd], target: .flair),
        Scenario(sources: [.t1, .t2, .flair], target: .t1gd),
      ], base)
  }

  /// A table of one scenario, whose rows differ in the network.
  private static func ablation(
    _ name: String, _ title: String, _ caption: String, heading: String, _ base: Experiment, rows: [Row],
    needsAllRows: Bool = false
  ) -> Study {
    Study(
      name, title, caption, heading: heading,
      conditions: [Condition(base.scenario.description, base.scenario)],
      rows: rows, needsAllRows: needsAllRows)
  }

  static func table5(_ base: Experiment) -> Study {
    ablation(
      "table5", "Table 5", "Group-wise rolling (GR) and cross-group attention (CA), in pixel2pixel.",
      heading: "Convolution", base,
      rows: [
        Row("Standard", [base.with(network: "resunet")]),
        Row("+ GR", [base.with(network: "rolling-resunet")]),
        Row("+ GR + CA", [base.with(network: "agi-net")]),
        Row("+ CA", [base.with(network: "attention-resunet")], .added),
      ])
  }

  /// The largest translation of Fig. 3 and Table 6, in pixels.
  private static let largestShift = 3.0

  static func table6(_ base: Experiment) -> Study {
    let kinds: [(title: String, network: String, standing: Row.Standing)] = [
      ("Standard", "resunet", .published), ("Deformable", "deform-resunet", .published),
      ("ARC", "arc-resunet", .published), ("CAGR", "agi-net", .published), ("GRA", "gra-resunet", .added),
    ]
    let shift = Perturbation(of: base.shifted, radius: largestShift)
    return Study(
      "table6", "Table 6",
      "Kinds of convolution where \(base.shifted.title) is translated at random by up to 3 pixels, in pixel2pixel.",
      heading: "Convolution",
      conditions: ["Translated in testing alone", "Translated in training and testing"].map {
        Condition($0, base.scenario, shift: shift)
      },
      rows: kinds.map { kind in
        let aligned = base.with(network: kind.network)
        return Row(kind.title, [aligned, aligned.shifted(by: largestShift)], kind.standing)
      })
  }

  static func table7(_ base: Experiment) -> Study {
    ablation(
      "table7", "Table 7", "The number of groups n of the CAGR modules, in pixel2pixel.", heading: "Groups",
      base,
      rows: [Row("Standard", [base.with(network: "resunet")])]
        + [2, 4, 8, 16].map { groups in
          var experiment = base.with(network: "agi-net")
          experiment.network.groups = groups
          return Row("n = \(groups)", [experiment])
        }, needsAllRows: true)
  }

  static func table8(_ base: Experiment) -> Study {
    let networks = [("resunet", "ResUnet"), ("agi-net", "AGI-Net")]
    return Study(
      "table8", "Table 8", "ResUnet and AGI-Net as the backbone of each method.", heading: "Method",
      conditions: networks.map { Condition($0.1, base.scenario) },
      rows: (frameworks.map { ($0, nil) } + [("pix2pix", "pixel2pixel")]).map { method, title in
        let experiments = networks.map { base.with(method: method, network: $0.0) }
        return Row(title ?? experiments[0].frameworkTitle ?? method, experiments)
      })
  }

  static func table9(_ base: Experiment) -> Study {
    ablation(
      "table9", "Table 9", "CAGR in place of the first convolutions of more and more stages, in pixel2pixel.",
      heading: "Stages replaced", base,
      rows: (0...Stage.allCases.count).map { count in
        var experiment = base.with(network: count == 0 ? "resunet" : "agi-net")
        if count > 0 { experiment.network.stages = Array(Stage.allCases.prefix(count)) }
        return Row(
          count == 0 ? "0" : "\(count): \(count > 1 ? "… " : "")\(Stage.allCases[count - 1])", [experiment])
      })
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

  /// The source that is translated in the experiments on misalignment: T2, as in the paper, where it is one.
  var shifted: Modality {
    let sources = self.scenario.sources
    return sources.contains(.t2) ? .t2 : sources[sources.count - 1]
  }

  /// The same, with that source translated at random by up to `radius` pixels while training.
  func shifted(by radius: Double) -> Experiment {
    var copy = self
    copy.perturbation = Perturbation(of: shifted, radius: radius)
    return copy
  }
}
