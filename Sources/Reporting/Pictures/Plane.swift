/// The three planes, shown in the radiological convention: the patient faces the reader, or looks to the left.
package enum Plane: String, Sendable, CaseIterable {
  case axial, coronal, sagittal

  /// What lies at the picture's left, right, top and bottom.
  package var marks: (left: String, right: String, top: String, bottom: String) {
    switch self {
    case .axial: ("R", "L", "A", "P")
    case .coronal: ("R", "L", "S", "I")
    case .sagittal: ("A", "P", "S", "I")
    }
  }

  package var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

  /// The plane through a voxel (column, row, slice), cut to a box.
  package func view(of stack: Stack, through voxel: SIMD3<Int>, in box: Box) -> View {
    let voxel = pointwiseMax(
      pointwiseMin(voxel, [stack.columns - 1, stack.rows - 1, stack.slices - 1]), .zero)
    // The head is at the top.
    let upwards = box.slices.reversed()
    let spacing = stack.spacing
    switch self {
    case .axial:
      return View(box.columns.count, box.rows.count, pixel: (spacing.x, spacing.y)) { values in
        for row in box.rows { for column in box.columns { values.append(stack[column, row, voxel.z]) } }
      }
    case .coronal:
      return View(box.columns.count, box.slices.count, pixel: (spacing.x, spacing.z)) { values in
        for slice in upwards { for column in box.columns { values.append(stack[column, voxel.y, slice]) } }
      }
    case .sagittal:
      return View(box.rows.count, box.slices.count, pixel: (spacing.y, spacing.z)) { values in
        for slice in upwards { for row in box.rows { values.append(stack[voxel.x, row, slice]) } }
      }
    }
  }

  /// Where the plane cuts the subject: its axis and the voxel's index there.
  package func position(_ voxel: SIMD3<Int>, in stack: Stack) -> String {
    switch self {
    case .axial: "slice \(stack.firstSlice + voxel.z)"
    case .coronal: "row \(voxel.y)"
    case .sagittal: "column \(voxel.x)"
    }
  }
}

/// A picture of numbers: rows from the top, with the size of a pixel in mm.
package struct View: Sendable {
  package let width: Int
  package let height: Int
  package let pixel: (width: Double, height: Double)
  package let values: [Float]

  package init(
    _ width: Int, _ height: Int, pixel: (width: Double, height: Double), fill: (inout [Float]) -> Void
  ) {
    var values: [Float] = []
    values.reserveCapacity(width * height)
    fill(&values)
    precondition(values.count == width * height)
    (self.width, self.height, self.pixel, self.values) = (width, height, pixel, values)
  }

  /// Width over height as the patient has it.
  package var aspect: Double { Double(width) * pixel.width / (Double(height) * pixel.height) }
}
