import Layers

extension GeneratorKind {
  public static let resUnet = resUnet("resunet", "ResUnet") { _ in .standard }
  public static let agiNet = resUnet("agi-net", "AGI-Net") {
    .cagr(groups: $0.groups, startsEven: $0.startsEven)
  }
  public static let rollingResUnet = resUnet("rolling-resunet", "ResUnet + rolling") {
    .cagr(groups: $0.groups, attends: false, startsEven: $0.startsEven)
  }
  public static let attentionResUnet = resUnet("attention-resunet", "ResUnet + attention") {
    .cagr(groups: $0.groups, rolls: false, startsEven: $0.startsEven)
  }
  public static let deformResUnet = resUnet("deform-resunet", "Deform-ResUnet") { _ in .dcnv3 }
  public static let deform2ResUnet = resUnet("deform2-resunet", "Deform-ResUnet (DCNv2)") { _ in .dcnv2 }
  public static let arcResUnet = resUnet("arc-resunet", "ARC-ResUnet") { .arc(kernels: $0.kernels) }
  public static let graResUnet = resUnet("gra-resunet", "GRA-ResUnet") { .gra(groups: $0.groups) }

  /// The residual U-Net with a kind of convolution in some of its stages.
  /// - Parameter convolution: of the replaced stages.
  public static func resUnet(
    _ name: String, _ title: String, _ convolution: @escaping @Sendable (GeneratorSettings) -> ConvolutionKind
  ) -> GeneratorKind {
    let make: Making<ResUnet> = { scope, shape, settings in
      ResUnet(
        scope, sources: shape.inputs, targets: shape.outputs, width: settings.width, blocks: settings.blocks,
        dimensions: shape.dimensions, replacing: convolution(settings), in: settings.stages,
        timed: shape.told == .time || shape.told == .timeAndLatent, code: shape.code)
    }
    return GeneratorKind(
      name: name, title: title, dimensions: 2...3,
      // What comes out of the head and of the blocks on both sides, one each at least, and of their first convolutions.
      firstLevel: FirstLevel(halvings: 0, kept: 4),
      refusal: { shape, settings in
        let kind = convolution(settings)
        for level in 0..<4 {
          let channels = settings.width << level
          let reason = kind.refusal(ConvolutionShape(channels, channels, dimensions: shape.dimensions))
          if let reason { return reason }
        }
        return nil
      }, plain: { make($0, $1, $2) }, timed: { make($0, $1, $2) }, coded: { make($0, $1, $2) })
  }
}
