extension GeneratorKind {
  /// Every kind that can be named; the tests run over this list.
  public static let catalog: [GeneratorKind] = [
    .resUnet, .agiNet, .rollingResUnet, .attentionResUnet, .deformResUnet, .deform2ResUnet, .arcResUnet,
    .graResUnet, .pix2pixUnet(), .resNet9(), .mmganUnet(), .medSynthUnet(), .diffusionUnet(), .ncsnpp(),
  ]
}
