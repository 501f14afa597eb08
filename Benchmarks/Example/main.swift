import Cohorts
import Imaging
import Layers
import Metrics
import Networks
import Torch

// Two people whose scans are computed from an atlas, at 4 mm.
var options = PhantomOptions()
options.voxelSize = 4
let phantom = try Phantom(atlas: ".atlas", options: options)
let (known, unknown) = (phantom.subject(0), phantom.subject(1))

/// `[slices, modalities, rows, columns]` in [0, 1].
func slices(_ modalities: Modality..., of person: PhantomSubject) throws -> Tensor {
  let scans = person.scans.filter { modalities.contains($0.modality) }
  return try .concatenated(
    scans.map { scan in
      let (size, voxels) = (scan.volume.dimensions, scan.volume.voxels)
      return Tensor(try IntensityScale(of: voxels).normalise(voxels), shape: [size.z, 1, size.y, size.x])
    }, axis: 1)
}

// AGI-Net learns from one of them what PD is to T1 and T2.
let parameters = Parameters(seed: 1)
let network = ResUnet(parameters.root, sources: 2, width: 16, replacing: .cagr(groups: 4), in: .agiNet)
let adam = Adam(parameters, rate: 2e-3)
let (sources, target) = (try slices(.t1, .t2, of: known), try slices(.pd, of: known))
for _ in 1...30 {
  network(sources).meanAbsoluteError(target).backward()
  adam.step()
}

// The other one's PD, as it computes it.
let given = try slices(.t1, .t2, of: unknown)
let image = withoutGradient { network(given).clamped(0, 1) }
let errors = PixelErrors(image.values(), try slices(.pd, of: unknown).values(Float.self))
print("PSNR \(errors.psnr()) dB")
