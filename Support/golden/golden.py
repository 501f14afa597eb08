"""What the scripts that write golden files share."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


def save(path: Path, tensors: Tensors, about: str) -> None:
    """A safetensors file whose header is sorted, so that its bytes depend on the numbers alone."""
    names = {torch.float64: "F64", torch.float32: "F32"}
    script = f"Support/golden/{Path(sys.argv[0]).name}"
    header: dict[str, object] = {
        "__metadata__": {"about": about, "script": script, "torch": torch.__version__}
    }
    data = bytearray()
    for name, tensor in sorted(tensors.items()):
        assert tensor.isfinite().all(), name
        raw = tensor.detach().contiguous().numpy().tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": place}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name:24} {path.stat().st_size:>9,} bytes")


def stored(tensors: Tensors) -> Tensors:
    return {name: tensor.detach().float() for name, tensor in tensors.items()}


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def single(*shape: int) -> Tensor:
    """Normal numbers that single precision holds exactly."""
    return torch.randn(*shape).float().double()


def unit(*shape: int) -> Tensor:
    return torch.rand(*shape).float().double()
