extension ConvolutionKind {
  /// Every kind; the tests run over this list.
  public static let catalog: [ConvolutionKind] = [
    .standard, .cagr(), .cagr(attends: false), .cagr(rolls: false), .dcnv3, .dcnv2, .arc(), .gra(),
  ]
}
