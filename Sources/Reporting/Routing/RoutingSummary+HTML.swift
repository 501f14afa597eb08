import Foundation
import Metrics

extension RoutingSummary {
  package var sentences: String {
    let scales = modules.flatMap { $0.groups.compactMap(\.scale?.mean) }
    var text = ""
    if rolls {
      let mean = Spread(modules.compactMap(\.meanOffset)).mean ?? 0
      let far = modules.max { ($0.largestOffset ?? 0) < ($1.largestOffset ?? 0) }
      let average = Spread(modules.compactMap(\.offsetSpread)).mean ?? 0
      if isUnrolled {
        text +=
          "Nothing was learned here yet: the offsets are \(number(mean, 4)) voxels long on average, so that no kernel "
          + "is rolled by more than a hundredth of a voxel and routing has stayed at its starting point. "
      } else {
        text +=
          "Kernels are rolled by \(number(mean, 3)) voxels on average; the farthest group mean, in "
          + "\(far?.path ?? "none"), lies \(number(far?.largestOffset ?? 0, 3)) voxels from zero. "
        text +=
          average < 0.05 * mean
          ? "Offsets hardly differ between slices (by \(number(average, 4)) voxels): they act as learned constants. "
          : "Between slices they vary by \(number(average, 3)) voxels, "
            + "\(number(100 * average / max(mean, 1e-12), 0)) % of that length: routing depends on the image. "
      }
    }
    if let low = scales.min(), let high = scales.max() {
      text +=
        "Scales run from \(number(low, 3)) to \(number(high, 3)), where training starts from "
        + "\(number(RoutingSummary.startingScale, 3)). "
    }
    let gates = modules.compactMap(\.meanGate)
    if let low = gates.min(), let high = gates.max() {
      text += "Gates are open by \(number(low, 2)) to \(number(high, 2)) in the modules' means."
    }
    return text.trimmingCharacters(in: .whitespaces)
  }

  package var table: Table {
    var table = Table(
      "CAGR modules of \(name)",
      caption:
        "Means over \(slices) slices and all groups; offsets in voxels of the module's own feature map.",
      columns: [
        Table.Column("Module"), Table.Column("Mean |offset|", decimals: 4),
        Table.Column("Largest group mean", decimals: 4), Table.Column("Spread over slices", decimals: 4),
        Table.Column("Mean scale", decimals: 4), Table.Column("Mean gate", decimals: 4),
      ])
    for module in modules {
      let figures = [
        module.meanOffset, module.largestOffset, module.offsetSpread, module.meanScale, module.meanGate,
      ]
      table.append([.text(module.path)] + figures.map { Table.Cell($0) })
    }
    return table
  }

  /// The reach of every module's offset plot in voxels: one for all, so that they compare.
  var reach: Double {
    let farthest = modules.flatMap(\.groups).reduce(0.0) { far, group in
      group.offsets.reduce(far) { max($0, abs($1.mean) + $1.deviation) }
    }
    return Ticks.rounded(max(RoutingSummary.negligibleOffset, farthest.isFinite ? farthest : 0))
  }

  package var html: HTML {
    let reach = reach
    return HTML {
      HTML("h3") { name }
      HTML("p") { sentences }
      HTML("div", ["class": "modules"]) {
        for module in modules { module.html(reach: reach) }
      }
      HTML("p", ["class": "note"]) {
        "One picture a module. "
        if rolls {
          "Square: each group's mean offset as an arrow from the centre (x to the right, y down), the ellipse "
          "its standard deviation over the slices; the square reaches to ±\(number(reach, reach < 0.1 ? 3 : 2)) voxels "
          "in every picture. Bars: each group's mean scale, 0 to 1, with the starting value \(number(RoutingSummary.startingScale, 3)) dashed. "
        }
        if modules.contains(where: { !$0.gates.isEmpty }) {
          "Strip: distribution of the channel gates, 0 at the left to 1 at the right. "
        }
        "Groups have the same colours throughout."
      }
      HTML("details") {
        HTML("summary") { "The same in figures" }
        HTML(table)
      }
    }
  }
}

extension RoutingSummary.Module {
  private static let side = 140.0
  private static let barHeight = 44.0
  private static let gateHeight = 30.0

  /// A group's colour, evenly spaced around the wheel.
  private func colour(_ group: Int) -> String {
    "hsl(\(Int(360 * Double(group) / Double(max(1, groups.count)) + 20) % 360) 68% 50%)"
  }

  func html(reach: Double) -> HTML {
    let hasOffsets = groups.contains { $0.x != nil }
    let hasScales = groups.contains { $0.scale != nil }
    let side = Self.side
    let bars = hasOffsets ? side + 12 : 0
    let gatesTop = bars + (hasScales ? Self.barHeight + 12 : 0)
    let height = gatesTop + (gates.isEmpty ? 0 : Self.gateHeight + 2)
    return HTML("figure", ["class": "module"]) {
      HTML("figcaption") { path }
      HTML(
        "svg",
        ["viewBox": "0 0 \(Int(side)) \(coordinate(max(1, height)))", "role": "img", "aria-label": summary]
      ) {
        if hasOffsets { offsetPlot(reach) }
        if hasScales { scaleBars(from: bars) }
        if !gates.isEmpty { gateStrip(from: gatesTop) }
      }
    }
  }

  private func offsetPlot(_ reach: Double) -> HTML {
    let (side, middle) = (Self.side, Self.side / 2)
    // A little room, so that the outermost point does not lie on the border.
    let unit = middle / (reach * 1.08)
    return HTML {
      HTML(
        "rect", ["class": "plot", "x": "0.5", "y": "0.5", "width": "\(side - 1)", "height": "\(side - 1)"])
      Chart.line(0, middle, side, middle, "grid")
      Chart.line(middle, 0, middle, side, "grid")
      for (index, group) in groups.enumerated() {
        if let x = group.x, let y = group.y {
          let tip = (x: middle + x.mean * unit, y: middle + y.mean * unit)
          let (px, py) = (coordinate(tip.x), coordinate(tip.y))
          HTML(
            "ellipse",
            [
              "class": "spread", "cx": px, "cy": py, "rx": coordinate(x.deviation * unit),
              "ry": coordinate(y.deviation * unit), "fill": colour(index), "stroke": colour(index),
            ])
          Chart.line(middle, middle, tip.x, tip.y, "arrow", stroke: colour(index))
          HTML("circle", ["cx": px, "cy": py, "r": "3", "fill": colour(index)]) {
            HTML("title") { "group \(index + 1): x \(number(x.mean, 4)), y \(number(y.mean, 4)) voxels" }
          }
        }
      }
    }
  }

  private func scaleBars(from top: Double) -> HTML {
    let width = Self.side / Double(max(1, groups.count))
    let bottom = top + Self.barHeight
    return HTML {
      for (index, group) in groups.enumerated() {
        if let scale = group.scale {
          let height = max(0, min(1, scale.mean)) * Self.barHeight
          HTML(
            "rect",
            [
              "x": coordinate(Double(index) * width + 1), "y": coordinate(bottom - height),
              "width": coordinate(max(0.5, width - 2)), "height": coordinate(height), "fill": colour(index),
            ]
          ) {
            HTML("title") {
              "group \(index + 1): scale \(number(scale.mean, 4)) ± \(number(scale.deviation, 4))"
            }
          }
        }
      }
      Chart.line(0, bottom, Self.side, bottom, "axis")
      Chart.line(
        0, bottom - RoutingSummary.startingScale * Self.barHeight, Self.side,
        bottom - RoutingSummary.startingScale * Self.barHeight, "start")
    }
  }

  private func gateStrip(from top: Double) -> HTML {
    let width = Self.side / Double(gates.count)
    let (bottom, most) = (top + Self.gateHeight, max(gates.max() ?? 1, 1e-9))
    return HTML {
      for (index, share) in gates.enumerated() where share > 0 {
        let height = max(1, share / most * Self.gateHeight)
        HTML(
          "rect",
          [
            "class": "gate", "x": coordinate(Double(index) * width + 0.3), "y": coordinate(bottom - height),
            "width": coordinate(width - 0.6), "height": coordinate(height),
          ])
      }
      Chart.line(0, bottom, Self.side, bottom, "axis")
    }
  }

  private var summary: String {
    var parts = ["\(path)"]
    if let meanOffset { parts.append("mean offset \(number(meanOffset, 4)) voxels") }
    if let meanScale { parts.append("mean scale \(number(meanScale, 3))") }
    if let meanGate { parts.append("mean gate \(number(meanGate, 3))") }
    return parts.joined(separator: ", ")
  }
}
