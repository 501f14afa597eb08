import Foundation
import Imaging

/// A digest of a volume's size and voxels: equal for copies saved with another header, type or compression.
///
/// 64 bits by multiplication and shift (after MurmurHash3's finaliser), made to find copies, not to withstand anyone.
enum VoxelDigest {
  /// Sixteen hexadecimal digits. Volumes are compared in one orientation: turn them first.
  static func of(_ volume: Volume) -> String {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    for side in [volume.dimensions.x, volume.dimensions.y, volume.dimensions.z] { mix(UInt64(side)) }
    volume.voxels.withUnsafeBufferPointer { voxels in
      var local = hash
      for value in voxels {
        // Adding 0 makes one of the two zeros of the other.
        local = (local ^ UInt64((value + 0).bitPattern)) &* 0xFF51_AFD7_ED55_8CCD
        local ^= local >> 32
      }
      hash = local
    }
    return String(format: "%016llx", hash)
  }
}
