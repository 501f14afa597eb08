"""Numbers that both sides of a comparison can make, and files that hold no more than what came of them.

A weight of a network is a function of its name, here and in Tests/TestSupport/Known.swift; a result is stored
as its fingerprint, the product with known numbers and the norm. So whole training steps of several networks
are compared through a file of some kilobytes.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

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


def save(path: Path, tensors: Tensors, about: str, script: str) -> None:
    """A safetensors file whose header is sorted, so that its bytes depend on the numbers alone."""
    metadata = {"about": about, "script": f"Support/golden/{script}", "torch": torch.__version__}
    header: dict[str, object] = {"__metadata__": metadata}
    data = bytearray()
    for name, tensor in sorted(tensors.items()):
        assert tensor.isfinite().all(), name
        raw = tensor.detach().double().contiguous().numpy().tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F64", "shape": list(tensor.shape), "data_offsets": place}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name:24} {path.stat().st_size:>9,} bytes")
