"""What the scripts that write golden files share."""

from __future__ import annotations

from pathlib import Path

import torch
from files import write
from torch import Tensor

Tensors = dict[str, Tensor]


def save(path: Path, tensors: Tensors, about: str) -> None:
    """Single or double precision, as the tensors are; says which PyTorch computed them."""
    write(path, {name: tensor.detach().numpy() for name, tensor in tensors.items()}, about, torch=torch.__version__)


def stored(tensors: Tensors) -> Tensors:
    return {name: tensor.detach().float() for name, tensor in tensors.items()}


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def single(*shape: int) -> Tensor:
    """Normal numbers that single precision holds exactly."""
    return torch.randn(*shape).float().double()


def unit(*shape: int) -> Tensor:
    return torch.rand(*shape).float().double()
