"""Numbers that both sides of a comparison can make, and files that hold no more than what came of them.

A weight of a network is a function of its name, here and in Tests/TestSupport/Known.swift; a result is stored
as its fingerprint, the product with known numbers and the norm. So whole training steps of several networks
are compared through a file of some kilobytes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

Tensors = dict[str, Tensor]
MASK = 2**64 - 1


def known(name: str, *shape: int) -> Tensor:
    """Numbers in [-1, 1): element i mixes i with the name (FNV-1a, then SplitMix64's finish)."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x00000100000001B3 & MASK
    with np.errstate(over="ignore"):
        z = np.arange(math.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z = z ^ z >> np.uint64(31)
    return torch.from_numpy((z >> np.uint64(11)).astype(np.float64) / 2**52 - 1).reshape(shape)


def image(name: str, *shape: int) -> Tensor:
    """Known intensities in [0, 1)."""
    return (known(name, *shape) + 1) / 2


def started(name: str, *shape: int) -> Tensor:
    """A parameter's known values: kernels that keep a signal's size, scales around 1, biases around 0."""
    value = known(name, *shape)
    if len(shape) > 1:
        return value * math.sqrt(6 * shape[0] / value.numel())
    return 1 + 0.3 * value if name.endswith("weight") else 0.2 * value


def start(network: nn.Module, name: str) -> None:
    """Gives every parameter its known values."""
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            parameter.copy_(started(f"{name}.{key}", *parameter.shape))


def fingerprint(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return torch.stack([(tensor * known(f"probe.{name}", *tensor.shape)).sum(), tensor.norm()])


def marks(name: str, tensor: Tensor) -> Tensor:
    """Four numbers: the norm, the products with known numbers and with the same backwards, and the sum by the root of
    the count. A change of the tensor by a share of its norm moves them by about that share of the norm."""
    values, probe = tensor.detach().flatten(), known(f"probe.{name}", tensor.numel())
    products = [(values * probe).sum(), (values * probe.flip(0)).sum()]
    return torch.stack([values.norm(), *products, values.sum() / math.sqrt(values.numel())])


def signature(names: list[str]) -> Tensor:
    """How many names there are, and 52 bits of FNV-1a of them, each followed by a line feed."""
    key = 0xCBF29CE484222325
    for byte in "".join(f"{name}\n" for name in names).encode():
        key = (key ^ byte) * 0x00000100000001B3 & MASK
    return torch.tensor([len(names), key >> 12], dtype=torch.float64)


def rows(name: str, named: Tensors, gradients: tuple[Tensor | None, ...]) -> Tensor:
    """A row of marks for each parameter, in the order of their names."""
    found = {key: torch.zeros_like(p) if g is None else g for (key, p), g in zip(named.items(), gradients)}
    least = 1e-9 * max(g.norm().item() for g in found.values())
    return torch.stack(
        [marks(f"{name}.{key}", g) if g.norm() > least else torch.zeros(4) for key, g in sorted(found.items())]
    )


def differentiate(name: str, named: Tensors, leaf: Tensor, output: Tensor, twice: bool) -> Tensors:
    loss = (output * known(f"{name}.probe", *output.shape)).sum()
    first = torch.autograd.grad(loss, [leaf, *named.values()], create_graph=twice, allow_unused=True)
    tensors = {
        "output": marks(f"{name}.output", output),
        "input": marks(f"{name}.input", first[0]),
        "names": signature(sorted(named)),
        "gradients": rows(f"{name}.gradient", named, first[1:]),
    }
    if twice:
        tensors["slope"] = tensors["input"]
        second = torch.autograd.grad(first[0].pow(2).sum(), list(named.values()), allow_unused=True)
        tensors["second"] = rows(f"{name}.second", named, second)
    zeros = (tensors["gradients"][:, 0] == 0).sum().item()
    print(f"{name:24} {len(named):4} parameters, {zeros} without a gradient, output {output.detach().std():.3g}")
    return {f"{name}/{key}": value for key, value in tensors.items()}
