import ArgumentParser
import Experiments
import Files
import Inference
import Metrics

struct Cite: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print how to cite the method, this software and the models that come with it.",
    discussion: example("aginet cite"))

  func run() throws {
    // Models that go on from each other mostly ask for the same.
    let asked = ShippedModel.all.map { (name: $0.name, citations: Self.citations(of: $0)) }
    let models = asked.map(\.citations).unique.flatMap { citations in
      let names = asked.filter { $0.citations == citations }.map(\.name)
      return ["", "The \(names.count == 1 ? "model" : "models") \(names.joined(separator: ", ")):"]
        + citations
    }
    try Console.result(([Self.software] + models).joined(separator: "\n"))
  }

  private static let software = """
    @article{song2024aginet,
      title   = {Learning Modality-Aware Representations: Adaptive Group-wise Interaction Network for Multimodal MRI Synthesis},
      author  = {Song, Tao and Wu, Yicheng and Hu, Minhao and Luo, Xiangde and Wei, Linda and Wang, Guotai and Guo, Yi and Xu, Feng and Zhang, Shaoting},
      journal = {arXiv preprint arXiv:2411.14684},
      year    = {2024}
    }
    @software{aginet,
      title   = {aginet: missing MRI contrasts computed by the Adaptive Group-wise Interaction Network},
      author  = {{The aginet developers}},
      version = {\(Version.current)}
    }

    The phantom's anatomy: Fonov et al., NeuroImage 54 (2011) 313-327; Fonov et al., NeuroImage 47 (2009) S102.
    """

  /// What a model's card asks to be cited.
  private static func citations(of model: ShippedModel) -> [String] {
    guard let file = try? ShippedModel.find(named: model.name),
      let json = try? Safetensors(contentsOf: file, verifying: false).metadata[ModelCard.key],
      let card = try? ModelCard(json: json, file: file)
    else { return ["its card says what to cite, and is not here; aginet models says why"] }
    return card.publication?.citations ?? ["nothing beside the above"]
  }
}
