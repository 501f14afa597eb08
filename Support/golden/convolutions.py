"""Writes the golden files under Tests/Golden that the compared convolutions are checked against.

Everything is computed in double precision. DCNv2 is torchvision's own operator. The others are written
out from their definitions, in the slowest and plainest form: DCNv3 samples a map as a sum over all its
pixels, weighted by the distance along each axis; ARC and GRA go through samples and filters one by one,
with rotation matrices entered term by term. Dropout is off. Two runs write the same bytes.

    python Support/golden/convolutions.py [FOLDER]       # default: Tests/Golden of this checkout

Keys: `input`, `probe` (the loss is sum(output * probe)), `output`, `parameter/<name>`, `gradient/<name>`,
`gradient/input`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from golden import Tensors, save
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import deform_conv2d

ROOT = Path(__file__).resolve().parents[2]


def draw(*shape: int, scale: float = 1, mean: float = 0) -> Tensor:
    return mean + scale * torch.randn(*shape)


def case(compute: Callable[[Tensor, Tensors], Tensor], x: Tensor, parameters: Tensors) -> Tensors:
    leaves = {"input": x} | {f"parameter/{name}": value for name, value in parameters.items()}
    for leaf in leaves.values():
        leaf.requires_grad_()
    output = compute(x, parameters)
    probe = torch.randn_like(output)
    (output * probe).sum().backward()
    gradients = {f"gradient/{name.removeprefix('parameter/')}": leaf.grad for name, leaf in leaves.items()}
    return leaves | gradients | {"probe": probe, "output": output}


def check_offsets(offsets: Tensor) -> str:
    """Near a whole number a bilinear sample has two slopes, and its gradient is not to be compared."""
    distance = (offsets - offsets.round()).abs().min()
    assert distance > 1e-5 and offsets.abs().max() > 2, (distance, offsets.abs().max())
    return f"offsets {offsets.min():.2f} to {offsets.max():.2f}, {distance:.1e} from whole numbers"


# Deformable convolutions


def deform_conv() -> tuple[Tensors, str]:
    """The operator alone, two groups of offsets, beyond every border."""
    parameters = {
        "weight": draw(4, 6, 3, 3),
        "offset": draw(2, 36, 5, 7, scale=1.5),
        "mask": torch.rand(2, 18, 5, 7),
    }
    about = check_offsets(parameters["offset"])
    tensors = case(
        lambda x, p: deform_conv2d(x, p["offset"], p["weight"], padding=1, mask=p["mask"]), draw(2, 6, 5, 7), parameters
    )
    return tensors, "torchvision's deform_conv2d, 3 x 3, padding 1, 2 groups of offsets; " + about


def dcnv2() -> tuple[Tensors, str]:
    parameters = {
        "weight": draw(4, 6, 3, 3),
        "head.weight": draw(27, 6, 3, 3, scale=0.2),
        "head.bias": draw(27, scale=0.3),
    }
    seen = []

    def compute(x: Tensor, p: Tensors) -> Tensor:
        read = F.conv2d(x, p["head.weight"], p["head.bias"], padding=1)
        offset, mask = read[:, :18], read[:, 18:].sigmoid()
        seen.append(check_offsets(offset))
        return deform_conv2d(x, offset, p["weight"], padding=1, mask=mask)

    tensors = case(compute, draw(2, 6, 5, 7), parameters)
    return tensors, "DCNv2 around torchvision's deform_conv2d; " + seen[0]


def sampled(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear sample of [C, H, W] at (y, x), zero outside: every pixel counts by how near it is."""
    rows = (1 - (y - torch.arange(image.shape[1])).abs()).clamp(min=0)
    columns = (1 - (x - torch.arange(image.shape[2])).abs()).clamp(min=0)
    return torch.einsum("chw,h,w->c", image, rows, columns)


def dcnv3() -> tuple[Tensors, str]:
    channels, members = 32, 16
    groups = channels // members
    linear = channels**-0.5
    parameters = {
        "input.weight": draw(channels, channels, scale=linear),
        "input.bias": draw(channels, scale=0.3),
        "guide.conv.weight": draw(channels, 1, 3, 3, scale=1 / 3),
        "guide.conv.bias": draw(channels, scale=0.3),
        "guide.norm.weight": draw(channels, scale=0.2, mean=1),
        "guide.norm.bias": draw(channels, scale=0.2),
        "offset.weight": draw(18 * groups, channels, scale=2 * linear),
        "offset.bias": draw(18 * groups, scale=0.5),
        "mask.weight": draw(9 * groups, channels, scale=linear),
        "mask.bias": draw(9 * groups, scale=0.5),
        "output.weight": draw(channels, channels, scale=linear),
        "output.bias": draw(channels, scale=0.3),
    }
    seen = []

    def compute(x: Tensor, p: Tensors) -> Tensor:
        batch, _, height, width = x.shape
        guide = F.conv2d(x, p["guide.conv.weight"], p["guide.conv.bias"], padding=1, groups=channels)
        guide = F.layer_norm(
            guide.movedim(1, 3), (channels,), p["guide.norm.weight"], p["guide.norm.bias"], eps=1e-6
        )
        guide = F.gelu(guide)
        offsets = F.linear(guide, p["offset.weight"], p["offset.bias"]).unflatten(3, (groups, 9, 2))
        masks = F.linear(guide, p["mask.weight"], p["mask.bias"]).unflatten(3, (groups, 9)).softmax(4)
        seen.append(check_offsets(offsets))
        mapped = F.linear(x.movedim(1, 3), p["input.weight"], p["input.bias"]).movedim(3, 1)
        rows = []
        for b in range(batch):
            for i in range(height):
                for j in range(width):
                    for g in range(groups):
                        image = mapped[b, g * members : (g + 1) * members]
                        total = torch.zeros(members)
                        for column in range(3):
                            for row in range(3):
                                tap = 3 * column + row
                                dx, dy = offsets[b, i, j, g, tap]
                                found = sampled(image, i + row - 1 + dy, j + column - 1 + dx)
                                total = total + masks[b, i, j, g, tap] * found
                        rows.append(total)
        summed = torch.cat(rows).reshape(batch, height, width, channels)
        return F.linear(summed, p["output.weight"], p["output.bias"]).movedim(3, 1)

    tensors = case(compute, draw(2, channels, 4, 5), parameters)
    return tensors, "DCNv3, 32 channels in 2 groups; " + seen[0]


# Rotated convolutions


def rotation(angle: Tensor) -> Tensor:
    """Which entries of a 3 x 3 kernel, counted row by row, each entry of the rotated one mixes."""
    x, y = angle.cos(), angle.sin()
    a, b, c = x - y, x * y, x + y
    if angle >= 0:
        table = [
            {0: a, 1: 1 - a},
            {1: x - b, 2: b, 4: 1 - c + b, 5: y - b},
            {2: a, 5: 1 - a},
            {0: b, 1: y - b, 3: x - b, 4: 1 - c + b},
            {4: torch.ones(())},
            {4: 1 - c + b, 5: x - b, 7: y - b, 8: b},
            {3: 1 - a, 6: a},
            {3: y - b, 4: 1 - c + b, 6: b, 7: x - b},
            {7: 1 - a, 8: a},
        ]
    else:
        table = [
            {0: c, 3: 1 - c},
            {0: -b, 1: x + b, 3: b - y, 4: 1 - a - b},
            {1: 1 - c, 2: c},
            {3: x + b, 4: 1 - a - b, 6: -b, 7: b - y},
            {4: torch.ones(())},
            {1: b - y, 2: -b, 4: 1 - a - b, 5: x + b},
            {6: c, 7: 1 - c},
            {4: 1 - a - b, 5: b - y, 7: x + b, 8: -b},
            {5: 1 - c, 8: c},
        ]
    zero = torch.zeros(())
    return torch.stack([torch.stack([row.get(entry, zero) for entry in range(9)]) for row in table])


def rotations() -> tuple[Tensors, str]:
    degrees = torch.tensor([0, 1e-3, -1e-3, 7, -7, 22.5, -22.5, 40, -40, 45, -45])
    angles = torch.deg2rad(degrees)
    return {"angles": angles, "matrices": torch.stack([rotation(a) for a in angles])}, "ARC's rotation matrices"


def routing(channels: int, outputs: int) -> Tensors:
    return {
        "routing.conv.weight": draw(channels, 1, 3, 3),
        "routing.norm.weight": draw(channels, scale=0.2, mean=1),
        "routing.norm.bias": draw(channels, scale=0.2),
        "routing.scale.weight": draw(outputs, channels),
        "routing.scale.bias": draw(outputs, scale=0.5),
        "routing.angle.weight": draw(outputs, channels),
    }


def routed(x: Tensor, p: Tensors) -> tuple[Tensor, Tensor]:
    """The angles and scales [B, n] of the features [B, C, H, W]."""
    channels = x.shape[1]
    y = F.conv2d(x, p["routing.conv.weight"], padding=1, groups=channels)
    y = F.layer_norm(y.movedim(1, 3), (channels,), p["routing.norm.weight"], p["routing.norm.bias"])
    pooled = y.relu().mean((1, 2))
    scales = F.linear(pooled, p["routing.scale.weight"], p["routing.scale.bias"]).sigmoid()
    angles = torch.deg2rad(40 * F.softsign(F.linear(pooled, p["routing.angle.weight"])))
    assert angles.min() < -0.1 and angles.max() > 0.1 and angles.abs().min() > 1e-4, angles
    return angles, scales


def turned(kernel: Tensor, angle: Tensor) -> Tensor:
    """[…, 3, 3] rotated."""
    return (kernel.flatten(-2) @ rotation(angle).T).reshape(kernel.shape)


def arc() -> tuple[Tensors, str]:
    kernels, outputs, channels = 4, 5, 6
    parameters = {"weight": draw(kernels, outputs, channels, 3, 3, scale=0.3)} | routing(channels, kernels)

    def compute(x: Tensor, p: Tensors) -> Tensor:
        angles, scales = routed(x, p)
        samples = []
        for b in range(x.shape[0]):
            kernel = torch.zeros(outputs, channels, 3, 3)
            for n in range(kernels):
                kernel = kernel + scales[b, n] * turned(p["weight"][n], angles[b, n])
            samples.append(F.conv2d(x[b : b + 1], kernel, padding=1))
        return torch.cat(samples)

    return case(compute, draw(3, channels, 5, 7), parameters), "ARC, 4 kernels of 5 x 6 channels, without dropout"


def gra() -> tuple[Tensors, str]:
    groups, outputs, channels = 4, 8, 6
    parameters = {
        "weight": draw(outputs, channels, 3, 3, scale=0.3),
        "attention.weight": draw(groups, 2, 5, 5, scale=0.3),
        "attention.bias": draw(groups, scale=0.3),
    } | routing(channels, groups)

    def compute(x: Tensor, p: Tensors) -> Tensor:
        angles, scales = routed(x, p)
        samples = []
        for b in range(x.shape[0]):
            filters: list[Tensor] = [torch.empty(0)] * outputs
            for o in range(outputs):
                g, i = o % groups, o // groups
                filters[g * (outputs // groups) + i] = scales[b, g] * turned(p["weight"][o], angles[b, g])
            y = F.conv2d(x[b : b + 1], torch.stack(filters), padding=1)
            maps = torch.stack([y.mean(1), y.amax(1)], dim=1)
            gates = F.conv2d(maps, p["attention.weight"], p["attention.bias"], padding=2).sigmoid()
            gated = [y[:, c] * gates[:, c // (outputs // groups)] for c in range(outputs)]
            samples.append(torch.stack(gated, dim=1))
        return torch.cat(samples)

    about = "GRA, 4 groups of 8 filters of 6 channels, without dropout"
    return case(compute, draw(3, channels, 5, 7), parameters), about


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    def write(name: str, seed: int, make: Callable[[], tuple[Tensors, str]]) -> None:
        torch.manual_seed(seed)
        tensors, about = make()
        save(folder / f"{name}.safetensors", tensors, about)

    write("deform_conv2d", 31, deform_conv)
    write("dcnv2", 32, dcnv2)
    write("dcnv3", 33, dcnv3)
    write("kernel_rotation", 34, rotations)
    write("arc", 37, arc)
    write("gra", 35, gra)


if __name__ == "__main__":
    main()
