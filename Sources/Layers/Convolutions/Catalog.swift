extension ConvolutionKind {
  /// Every kind that can be named on the command line; the tests and the benchmarks run over this list.
  public static let catalog: [ConvolutionKind] = [
    .standard, .cagr(), .cagr(attends: false), .cagr(rolls: false), .dcnv3, .dcnv2, .arc(), .gra(),
  ]
}
