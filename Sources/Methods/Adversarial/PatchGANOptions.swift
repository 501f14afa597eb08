import Layers
import Networks

/// Options of a framework whose discriminator judges patches.
public protocol PatchGANOptions: MethodOptions {
  /// Weight of the adversarial term; 0 trains without a discriminator step.
  var weightAdversarial: Double { get }
  var discriminator: PatchGANVariant { get }
  /// Channels of the discriminator's first layer.
  var discriminatorWidth: Int { get }
}

extension PatchGANOptions {
  public func demands(_ generator: GeneratorKind) -> [Demand] {
    generator.demands + discriminator.demands(weight: weightAdversarial)
  }

  var widthRefusal: String? { outOfBounds([("discriminatorWidth", discriminatorWidth, 1...1024)]) }

  /// - Parameters: as `PatchGAN`'s.
  func training(
    _ store: Parameters, rate: Double, channels: Int, outputs: Int = 1, dimensions: Int
  ) -> AdversarialTraining<PatchGAN> {
    AdversarialTraining(store, rate: rate) {
      PatchGAN(
        $0, channels: channels, outputs: outputs, width: discriminatorWidth, variant: discriminator,
        dimensions: dimensions)
    }
  }
}
