import CTorch

extension LibTorch {
  /// Whether every run on one GPU, with the same libraries and seeds, gives the same bits; off from the start. On a CPU they are so
  /// whichever.
  ///
  /// To be set before the GPU is first used: LibTorch takes operators that add up in one order, cuDNN likewise and without trying
  /// which is the fastest, whatever the `precision`, and cuBLAS a workspace that does not change (the environment's
  /// `CUBLAS_WORKSPACE_CONFIG`, which is set to `:4096:8` where nobody has set it). Of this library's operators four have derivatives that
  /// LibTorch adds up in any order: reflected and replicated borders, pooling in three dimensions, and `sampled(at:)`, which
  /// deformable convolutions consist of on a GPU; where gradients are recorded these are then composed of others, and slower.
  /// An operator that LibTorch cannot do so, in somebody else's code, stops the program with its sentence; nothing goes on that only
  /// looks repeatable.
  public static var isDeterministic: Bool {
    get { ct_is_deterministic() }
    set {
      ct_set_deterministic(newValue)
      tuneConvolutions(precision != .float32)
    }
  }
}
