"""AGI-Net, its ResUnet backbone and pix2pix in plain PyTorch, written after the paper (arXiv 2411.14684).

This is the reference that the Swift networks are checked against and timed against. It follows the
equations in the order in which the paper states them; nothing is folded or fused. Parameter names
and shapes are those of a checkpoint of ours, so a state_dict can be exchanged.

    python Benchmarks/peer/agi_net.py --check    # parameter counts, FloatRoll's known values, properties
"""

from __future__ import annotations

import argparse
import functools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ("down1", "down2", "down3", "body", "up1", "up2", "up3")
REPLACED = STAGES[:5]

CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
CONVOLVE = {2: F.conv2d, 3: F.conv3d}


def roll_matrix(offset: Tensor, size: int) -> Tensor:
    """The circulant [..., size, size] that moves entry j to j + offset, linear between whole offsets.

    `floor` and `floor + 1` are mixed rather than `floor` and `ceil`: the values are the same, but the
    offset has a gradient at whole numbers too, where training starts.
    """
    whole = offset.floor().detach()
    fraction = (offset - whole)[..., None, None]
    source = torch.remainder(torch.arange(size, device=offset.device) - whole[..., None], size).long()
    near = F.one_hot(source, size).to(offset.dtype)
    far = F.one_hot((source - 1) % size, size).to(offset.dtype)
    return (1 - fraction) * near + fraction * far


def roll_mixing(offsets: Tensor, size: int) -> Tensor:
    """The matrix [..., size^d, size^d] by which FloatRoll mixes a flattened kernel.

    Offsets [..., d] are (x, y) or (x, y, z), x along the kernel's last axis.
    """
    axes = [roll_matrix(offsets[..., axis], size) for axis in reversed(range(offsets.shape[-1]))]

    def kronecker(a: Tensor, b: Tensor) -> Tensor:
        rows = a.shape[-1] * b.shape[-1]
        return torch.einsum("...ij,...kl->...ikjl", a, b).reshape(*a.shape[:-2], rows, rows)

    return functools.reduce(kronecker, axes)


def float_roll(kernel: Tensor, offsets: Tensor) -> Tensor:
    """Eq. 4: rolls kernels [..., k, k] circularly by real offsets [..., 2], x along the last axis."""
    mixing = roll_mixing(offsets, kernel.shape[-1])
    return (mixing @ kernel.flatten(-2)[..., None]).reshape(mixing.shape[:-2] + kernel.shape[-2:])


def channel_shuffle(z: Tensor, groups: int) -> Tensor:
    """ShuffleNet's shuffle of [B, C]: the groups' first channels come first, then their second ones."""
    return z.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1)


class Routing(nn.Module):
    """Reads the offsets [B, n, d] and the scales [B, n] of every kernel group off the (gated) features."""

    def __init__(self, channels: int, groups: int, dimensions: int) -> None:
        super().__init__()
        self.groups, self.dimensions = groups, dimensions
        self.conv = CONVOLUTION[dimensions](channels, channels, 3, padding=1, groups=groups, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.offset = nn.Linear(channels, dimensions * groups, bias=False)
        self.scale = nn.Linear(channels, groups)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = F.gelu(self.norm(self.conv(x).movedim(1, -1)))
        h = y.flatten(1, -2).mean(1)
        return self.offset(h).unflatten(1, (self.groups, self.dimensions)), torch.sigmoid(self.scale(h))


class CAGR(nn.Module):
    """Cross-group attention and group-wise rolling in place of a 3x3 convolution (section III-B).

    `attention` and `rolling` switch the two halves off for the ablation.
    """

    def __init__(
        self,
        channels: int,
        groups: int,
        dimensions: int = 2,
        attention: bool = True,
        rolling: bool = True,
    ) -> None:
        super().__init__()
        self.groups, self.dimensions = groups, dimensions
        self.weight = nn.Parameter(torch.empty(channels, channels, *[3] * dimensions))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        pointwise = CONVOLUTION[dimensions](2 * channels, channels, 1, groups=groups)
        self.attention = pointwise if attention else None
        self.routing = Routing(channels, groups, dimensions) if rolling else None

    def gate(self, x: Tensor) -> Tensor:
        """The attention [B, C]: each group sees its own pooled channels beside shuffled ones of all groups."""
        z = x.flatten(2).mean(2)
        own = z.unflatten(1, (self.groups, -1))
        shuffled = channel_shuffle(z, self.groups).unflatten(1, (self.groups, -1))
        pairs = torch.cat([own, shuffled], dim=2).flatten(1)
        return torch.sigmoid(self.attention(pairs[(...,) + (None,) * self.dimensions]).flatten(1))

    def kernels(self, offsets: Tensor, scales: Tensor) -> Tensor:
        """One kernel per sample [B, Cout, Cin, 3, 3]: input group i rolled by its offsets, times its scale."""
        batch, out = offsets.shape[0], self.weight.shape[0]
        mixing = roll_mixing(offsets, 3) * scales[..., None, None]
        groups = self.weight.flatten(2).unflatten(1, (self.groups, -1))  # [Cout, n, Cin/n, 9]
        rolled = mixing @ groups.permute(1, 3, 0, 2).flatten(2)  # [B, n, 9, Cout * Cin/n]
        rolled = rolled.unflatten(3, (out, -1)).permute(0, 3, 1, 4, 2)  # [B, Cout, n, Cin/n, 9]
        return rolled.reshape(batch, *self.weight.shape)

    def forward(self, x: Tensor) -> Tensor:
        convolve = CONVOLVE[self.dimensions]
        if self.attention is not None:
            x = x * self.gate(x)[(...,) + (None,) * self.dimensions]
        if self.routing is None:
            return convolve(x, self.weight, padding=1)
        kernels = self.kernels(*self.routing(x)).flatten(0, 1)
        batch, channels, *space = x.shape
        y = convolve(x.reshape(1, batch * channels, *space), kernels, padding=1, groups=batch)
        return y.reshape(batch, -1, *space)


class ResBlock(nn.Module):
    """z + second(relu(first(z))), where `first` is a convolution or a CAGR module."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class ResUnet(nn.Module):
    """DRUNet's U-net with additive skips; AGI-Net when `groups` is given.

    `stages` names those whose blocks begin with CAGR; `cagr` holds further arguments of that module.
    """

    def __init__(
        self,
        sources: int,
        out: int = 1,
        width: int = 64,
        groups: int | None = None,
        stages: tuple[str, ...] = REPLACED,
        blocks: int = 2,
        bias: bool = False,
        dimensions: int = 2,
        **cagr: bool,
    ) -> None:
        super().__init__()
        conv = functools.partial(CONVOLUTION[dimensions], bias=bias)
        transposed = functools.partial(TRANSPOSED[dimensions], bias=bias)
        widths = [width, 2 * width, 4 * width, 8 * width, 4 * width, 2 * width, width]
        self.head = conv(sources, width, 3, padding=1)
        for stage, c, before in zip(STAGES, widths, [None, None, None, None, *widths[3:]]):
            module = nn.Module()
            if stage.startswith("up"):
                module.sample = transposed(before, c, 2, stride=2)
            for block in range(1, blocks + 1):
                replaced = groups is not None and stage in stages
                first = CAGR(c, groups, dimensions, **cagr) if replaced else conv(c, c, 3, padding=1)
                setattr(module, f"block{block}", ResBlock(first, conv(c, c, 3, padding=1)))
            if stage.startswith("down"):
                module.sample = conv(c, 2 * c, 2, stride=2)
            setattr(self, stage, module)
        self.tail = conv(width, out, 3, padding=1)
        self.blocks = blocks

    def _blocks(self, stage: nn.Module, x: Tensor) -> Tensor:
        for block in range(1, self.blocks + 1):
            x = getattr(stage, f"block{block}")(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        missing = [-s % 8 for s in size]
        if any(missing):
            x = F.pad(x, [p for m in reversed(missing) for p in (0, m)], mode="replicate")
        x = self.head(x)
        skips = []
        for stage in (self.down1, self.down2, self.down3):
            skips.append(x)
            x = stage.sample(self._blocks(stage, x))
        skips.append(x)
        x = self._blocks(self.body, x)
        for stage in (self.up1, self.up2, self.up3):
            x = self._blocks(stage, stage.sample(x + skips.pop()))
        x = self.tail(x + skips.pop())
        return x[(..., *[slice(s) for s in size])]


class PatchGAN(nn.Module):
    """The conditional discriminator on concat(sources, target).

    `canonical`: pix2pix's 70x70 patches, three strided convolutions and two more, all biased with instance
    norm (with batch norm the normed ones are not). `padded`: four strided convolutions, then zero padding
    at the left and the top and a convolution without bias, so the map is an exact 1/16 of the image.
    """

    def __init__(self, channels: int, width: int = 64, kind: str = "padded", norm: str = "instance") -> None:
        super().__init__()
        if kind not in ("canonical", "padded") or norm not in ("instance", "batch"):
            raise ValueError(f"no discriminator {kind!r} with {norm!r} norm")
        self.kind, biased = kind, norm == "instance"
        self.conv1 = nn.Conv2d(channels, width, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=biased)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=biased)
        stride = 1 if kind == "canonical" else 2
        self.conv4 = nn.Conv2d(4 * width, 8 * width, 4, stride=stride, padding=1, bias=biased)
        self.conv5 = nn.Conv2d(8 * width, 1, 4, padding=1, bias=kind == "canonical")
        make = nn.BatchNorm2d if norm == "batch" else nn.InstanceNorm2d
        self.norm2, self.norm3, self.norm4 = make(2 * width), make(4 * width), make(8 * width)

    def forward(self, sources: Tensor, target: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv1(torch.cat([sources, target], dim=1)), 0.2)
        x = F.leaky_relu(self.norm2(self.conv2(x)), 0.2)
        x = F.leaky_relu(self.norm3(self.conv3(x)), 0.2)
        x = F.leaky_relu(self.norm4(self.conv4(x)), 0.2)
        return self.conv5(F.pad(x, (1, 0, 1, 0)) if self.kind == "padded" else x)


class Pix2Pix:
    """Least-squares pix2pix: the discriminator is improved first, then the generator with 100 x L1."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        rate: float = 1e-4,
        fused: bool | None = None,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        adam = functools.partial(torch.optim.Adam, lr=rate, betas=(0.5, 0.999), eps=1e-8, fused=fused)
        self.generator_adam = adam(generator.parameters())
        self.discriminator_adam = adam(discriminator.parameters())

    def step(self, sources: Tensor, target: Tensor) -> dict[str, float]:
        fake = self.generator(sources)

        self.discriminator_adam.zero_grad(set_to_none=True)
        judged_fake = self.discriminator(sources, fake.detach())
        judged_real = self.discriminator(sources, target)
        loss_fake, loss_real = judged_fake.square().mean(), (judged_real - 1).square().mean()
        discriminator = 0.5 * (loss_fake + loss_real)
        discriminator.backward()
        self.discriminator_adam.step()

        self.discriminator.requires_grad_(False)
        self.generator_adam.zero_grad(set_to_none=True)
        adversarial = (self.discriminator(sources, fake) - 1).square().mean()
        l1 = (fake - target).abs().mean()
        generator = adversarial + 100 * l1
        generator.backward()
        self.generator_adam.step()
        self.discriminator.requires_grad_(True)
        losses = {"discriminator": discriminator, "adversarial": adversarial, "l1": l1, "generator": generator}
        return {name: loss.item() for name, loss in losses.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", required=True)
    parser.parse_args()
    import check

    check.run()
