import Cohorts
import Files
import Foundation
import Metrics
import Runs

extension Report {
  var pictures: HTML {
    get throws {
      let scale = Montage.errorScale(of: montages.map(\.montage))
      return try HTML.section("pictures", "Pictures") {
        HTML("p") {
          "Radiological convention: the patient's right (R) is at the left of axial and coronal planes, anterior (A) at "
          "the left of sagittal ones. Intensities are shown from 0 (black) to 1 (white), 1 being the 99.5th percentile of "
          "the volume. Error maps share one scale, from 0 to \(number(Double(scale), 2)) of that range, for all models and "
          "subjects. The yellow frame marks the detail"
          if montages.contains(where: { $0.montage.lesions != nil }) {
            ", blue lines the lesions' label map"
          }
          "."
        }
        for (montage, reason) in montages {
          HTML("h3") { montage.id }
          try montage.html(scale: scale, caption: caption(montage, reason))
        }
      }
    }
  }

  private func caption(_ montage: Montage, _ reason: String) -> String {
    let place =
      montage.focus.isLesion
      ? "Planes through the middle of the largest lesion." : "Planes through the middle of the stored slices."
    let spacing = montage.truth.spacing
    let size = [spacing.x, spacing.y, spacing.z].map { number($0, 2) }.joined(separator: " x ")
    return
      "\(reason.prefix(1).uppercased() + reason.dropFirst()). \(place) Voxels of \(size) mm, in true proportion."
  }

  // MARK: - Curves

  var curves: HTML { Report.curves(of: entries, .psnr) }

  /// What training measured, run beside run.
  /// - Parameter metric: by which validation chose.
  static func curves(of entries: [Entry], _ metric: Metric) -> HTML {
    let title = metric.heading.prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces)
    let losses = entries.flatMap(\.log.losses).unique
    return HTML.section("curves", "Training") {
      HTML("div", ["class": "charts"]) {
        Chart(
          title: "Validation \(title)", horizontal: "iteration", vertical: metric.heading,
          lines: entries.enumerated().map {
            Chart.Line($1.name, colour: $0, $1.log.validation(metric))
          }
        ).html
        for loss in losses {
          Chart(
            title: "Loss: \(loss)", horizontal: "iteration", vertical: loss,
            lines: entries.enumerated().filter { $1.log.losses.contains(loss) }.map {
              Chart.Line($1.name, colour: $0, $1.log[loss], smooth: true)
            }
          ).html
        }
      }
      HTML("p", ["class": "note"]) {
        "Losses as they were logged, batch by batch (of more than 600, means of neighbours), faint; their running mean over a "
          + "thirtieth of the run, strong. The highest fiftieth may lie above the frame and is drawn at its edge."
      }
    }
  }

  // MARK: - Routing

  var routingSection: HTML {
    HTML.section("routing", "What the CAGR modules learned") {
      let known = entries.compactMap(\.routing)
      if known.isEmpty {
        HTML("p") { "None of these networks has CAGR modules." }
      } else {
        HTML("p") {
          "Each CAGR module reads from every slice how far to roll the kernel block of each channel group, how strongly "
          "to weigh it, and how far to open each channel. Watched on \(known[0].slices) slices of the "
          "\(assessment.split.rawValue) split."
        }
        for summary in known { summary.html }
      }
    }
  }
}
