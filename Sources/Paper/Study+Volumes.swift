import Experiments
import Imaging
import Metrics
import Networks

// What is of whole volumes: the tables of tumours and of 3-D networks.

extension Study {
  /// The contrast that shows where a tumour enhances, from those without an injection.
  private static let enhancement = Scenario(sources: [.t1, .t2, .flair], target: .t1gd)

  // MARK: - Table 4

  /// A segmentation that is trained on acquired contrasts, and tested with T1Gd by each method; the syntheses are those of
  /// Table 3.
  @Sendable static func tumours(_ base: Experiment) -> Study {
    let target = Modality.t1gd
    func row(_ title: String?, _ method: String, _ network: String) -> Row {
      let experiment = base.with(method: method, network: network, scenario: enhancement)
      return Row(title ?? experiment.title, [experiment])
    }
    var segmentation = base.with(
      method: "segmentation", network: NetworkCatalog.published,
      scenario: Scenario(labelling: [.t1, target, .t2, .flair]))
    segmentation.region = .slice
    let copied = Modality.t1
    return Study(
      "Table 4",
      "Segmentation trained on acquired contrasts, and tested with \(target.title) acquired, set to 0 once intensities are "
        + "scaled, synthesised by each method in \(enhancement), or copied. Ours is AGI-Net in pixel2pixel.",
      form: .segmentation(by: segmentation), heading: target.title,
      conditions: [Condition(enhancement.description, enhancement, isWhole: true)],
      rows: [Row("Real", [], input: .acquired), Row("Zero", [], input: .zero)]
        + frameworks.map { row(nil, $0, NetworkCatalog.published) } + [
          row("pixel2pixel", "pix2pix", "resunet"), row("Ours", "pix2pix", "agi-net"),
          Row("Copy of \(copied.title)", [], .added, input: .copy(of: copied)),
        ])
  }

  // MARK: - Table 10

  /// The methods that have a 3-D form, on patches.
  @Sendable static func volumes(_ base: Experiment) -> Study {
    func row(_ title: String?, _ method: String, _ network: String) -> Row {
      let experiment = base.with(method: method, network: network, scenario: enhancement).seeing(base.patch)
      return Row(title ?? experiment.title, [experiment])
    }
    return ofVolumes(
      "Table 10", "Existing methods in 3-D. Ours is 3-D AGI-Net in 3-D pixel2pixel.", metrics: Metric.paper,
      heading: "Method",
      rows: ["mmgan", "pgan", "medsynth"].map { row(nil, $0, NetworkCatalog.published) } + [
        row("pixel2pixel", "pix2pix", "resunet"), row("Ours", "pix2pix", "agi-net"),
      ])
  }

  /// One network on slices, on slabs and on patches.
  @Sendable static func inputs(_ base: Experiment) -> Study {
    let network = base.with(method: "pix2pix", network: "agi-net", scenario: enhancement)
    return ofVolumes(
      "Table 10, added", name: "table10b", "What AGI-Net in pixel2pixel sees of a volume at a time.",
      metrics: Metric.paper + [.throughPlane], heading: "Input",
      rows: [Region.slice, base.slab, base.patch].map { region in
        let title =
          region.depth > 1
          ? "Slabs of \(region.depth)" : region.samples.prefix(1).uppercased() + region.samples.dropFirst()
        return Row(title, [network.seeing(region)], .added)
      })
  }

  private static func ofVolumes(
    _ title: String, name: String? = nil, _ caption: String, metrics: [Metric], heading: String, rows: [Row]
  ) -> Study {
    Study(
      title, name: name, caption, form: .volumes, metrics: metrics, heading: heading,
      conditions: [Condition(enhancement.description, enhancement, isWhole: true)], rows: rows)
  }
}

extension Experiment {
  /// What 3-D networks see: what is set where that is a patch, else the usual cube.
  fileprivate var patch: Region { self.region.dimensions == 3 ? self.region : .patch(Extent(96, 96, 96)) }

  /// A slice between its neighbours: as many as are set, or three.
  fileprivate var slab: Region { self.region.depth > 1 ? self.region : .slab(3) }
}
