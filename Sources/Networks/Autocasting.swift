import Layers
import Torch

/// A network whose passes autocast where the process says so (`LibTorch.precision`); what comes out is float32 whatever it
/// computes in.
struct Autocasting<Network> {
  let network: Network
}

extension Autocasting: Layer where Network == any Layer {
  func callAsFunction(_ x: Tensor) -> Tensor { LibTorch.autocasting(on: x.device) { network(x) } }
}

extension Autocasting: TimedNetwork where Network == any TimedNetwork {
  var latent: Int? { network.latent }
  var multiple: Int { network.multiple }

  func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor {
    LibTorch.autocasting(on: x.device) { network(x, at: times, latent: latent) }
  }
}

extension Autocasting: CodedNetwork where Network == any CodedNetwork {
  func callAsFunction(_ x: Tensor, knowing code: Tensor) -> Tensor {
    LibTorch.autocasting(on: x.device) { network(x, knowing: code) }
  }
}
