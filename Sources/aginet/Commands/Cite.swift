import ArgumentParser

struct Cite: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print how to cite the method and this software.", discussion: example("aginet cite"))

  func run() throws {
    try Console.result(
      """
      @article{song2024aginet,
        title   = {Learning Modality-Aware Representations: Adaptive Group-wise Interaction Network for Multimodal MRI Synthesis},
        author  = {Song, Tao and Wu, Yicheng and Hu, Minhao and Luo, Xiangde and Wei, Linda and Wang, Guotai and Guo, Yi and Xu, Feng and Zhang, Shaoting},
        journal = {arXiv preprint arXiv:2411.14684},
        year    = {2024}
      }
      The phantom's anatomy: Fonov et al., NeuroImage 54 (2011) 313-327; Fonov et al., NeuroImage 47 (2009) S102.
      This software: see CITATION.cff.
      """)
  }
}
