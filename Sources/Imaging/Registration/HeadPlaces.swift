/// Where in a volume a head is: places that are brighter than air.
package struct HeadPlaces: Sendable {
  /// In mm.
  package let centre: SIMD3<Double>
  /// Every 4 mm, in mm.
  private let places: [SIMD3<Double>]

  /// nil where nothing lies above 0.
  package init?(_ volume: Volume) {
    guard let scale = ForegroundScale.of(volume.voxels) else { return nil }
    let limit = Float(ForegroundScale.floor * scale)
    let size = volume.dimensions
    let step = SIMD3<Int>((4 / volume.affine.spacing).rounded(.down)).clamped(
      lowerBound: .one, upperBound: size)
    var places: [SIMD3<Double>] = []
    for k in stride(from: step.z / 2, to: size.z, by: step.z) {
      for j in stride(from: step.y / 2, to: size.y, by: step.y) {
        for i in stride(from: step.x / 2, to: size.x, by: step.x)
        where volume.voxels[(k * size.y + j) * size.x + i] > limit {
          places.append(volume.affine([Double(i), Double(j), Double(k)]))
        }
      }
    }
    self.places = places
    centre = places.reduce(.zero, +) / Double(max(1, places.count))
  }

  /// The share of it that another volume shows.
  package func coverage(by moving: Volume, moved: RigidMotion) -> Double {
    let map = moving.affine.inverse * moved.affine
    let end = SIMD3<Double>(moving.dimensions) - 0.5
    let seen = places.count { place in
      let index = map(place)
      return all(index .>= -0.5) && all(index .<= end)
    }
    return Double(seen) / Double(max(1, places.count))
  }
}
