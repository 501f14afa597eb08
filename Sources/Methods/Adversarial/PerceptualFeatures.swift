import Failures
import Files
import Layers
import Networks
import Torch

/// What VGG16 sees in an image, at relu2_2: never trained, and without the normalisation of ImageNet, as pGAN uses it.
public struct PerceptualFeatures {
  private let network: VGG16
  private let store: Parameters

  /// Reads VGG16's first four convolutions; the file may hold its other layers too.
  /// - Throws: `.notFound` for a missing file, `.invalidModel` for one that lacks a tensor or has it in another shape.
  public init(file path: String, device: Device = .cpu, type: ElementType = .float32) throws {
    let file = try Safetensors(contentsOf: path)
    store = Parameters(device: device, type: type)
    network = VGG16(store.root)
    let faults = store.entries.compactMap { name, tensor -> String? in
      guard let entry = file[name] else { return "\(name) is missing" }
      return entry.shape == tensor.shape ? nil : "\(name) is \(entry.shape) instead of \(tensor.shape)"
    }
    if let fault = faults.first {
      throw Failure(
        .invalidModel,
        "\(path): not VGG16 as torchvision stores it (\(fault)\(faults.count > 1 ? " and \(faults.count - 1) more" : ""))"
      )
    }
    for (name, tensor) in store.entries {
      if let stored = try file.tensor(name) { tensor.assign(stored) }
    }
    store.freeze()
  }

  /// `[B, 1, H, W]` on [-1, 1] to `[B, 128, H/2, W/2]`: the channel stands for red, green and blue. Of volumes
  /// `[B, 1, D, H, W]` every plane is an image, `[B·D, 128, H/2, W/2]`.
  package func callAsFunction(_ images: Tensor) -> Tensor {
    let planes = images.reshaped([-1, 1] + images.shape.suffix(2))
    return LibTorch.autocasting(on: images.device) {
      network(.concatenated([planes, planes, planes], axis: 1))
    }
  }
}
