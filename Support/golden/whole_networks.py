"""Writes Tests/Golden/whole_networks.safetensors: every generator and discriminator as users run it, as marks.

Width 32 on 64 x 64 pixels, where the Swift side takes its fastest ways. Everything is computed in double precision
by plain PyTorch: the peer (Benchmarks/peer/agi_net.py), generators.py, diffusion.py and selfrdb.py, and here the
deformable and rotated convolutions as modules. Weights and images are known numbers (known.py), dropout is off.

    python Support/golden/whole_networks.py [FOLDER]       # default: Tests/Golden of this checkout

Of some inputs the one is taken that keeps numbers before a ReLU or in a maximum farthest from the kink: where rounding
moves one across, a gradient changes by some thousandths, which would hide errors of that size. Offsets of deformable
convolutions are too many for that. DCNv2's heads and GRA's gates read large numbers: their kernels are made a hundred
times smaller, lest taps look far outside and gates be shut.

Keys: `<network>/salt` (which input), `<network>/output`, `<network>/input` (the gradient), `<network>/names` (how many parameters, and a hash of their
sorted names) and `<network>/gradients`, one row of marks a parameter in that order, for the loss sum(output * probe).
Where a network is differentiated twice, `<network>/slope` is the derivative of that loss by the input and
`<network>/second` holds the gradients of the sum of its squares. Rows of zeros are parameters that the mathematics
gives no gradient: biases that a norm takes away.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks" / "peer"))

from agi_net import CAGR, REPLACED, ResUnet, Routing  # noqa: E402
from diffusion import TimedResUnet, Unet  # noqa: E402
from generators import (  # noqa: E402
    MedSynthDiscriminator, MedSynthUnet, MMGANUnet, PatchGAN, Pix2PixUnet, ResNet9, SegmentationUnet,
)
from golden import save  # noqa: E402
from known import Tensors, differentiate, image, known, marks, rows, start, started  # noqa: E402
from selfrdb import Discriminator, Generator  # noqa: E402

WIDTH, SIDE, LEVELS, GROUPS, BATCH = 32, 64, 5, 8, 2


# Kinks


class Kinks:
    """The least distance from a kink in a forward pass, as a share of the root mean square."""

    least = 1.0

    @classmethod
    def see(cls, x: Tensor, gap: Tensor) -> None:
        cls.least = min(cls.least, (gap.min() / x.detach().square().mean().sqrt()).item())


def watching(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def watched(x: Tensor, *more: object, **named: object) -> Tensor:
        Kinks.see(x, x.detach().abs())
        return function(x, *more, **named)

    return watched


def watching_pool(pool: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Tensor]:
    """Ties of zeros are none: behind a ReLU no derivative passes them."""

    def watched(x: Tensor, size: int) -> Tensor:
        windows = x.detach()
        for axis in range(2, x.dim()):
            windows = windows.unfold(axis, 2, 2)
        best = windows.flatten(x.dim()).topk(2).values
        Kinks.see(x, torch.where(best[..., 0] > 0, best[..., 0] - best[..., 1], torch.inf))
        return pool(x, size)

    return watched


F.relu, F.leaky_relu = watching(F.relu), watching(F.leaky_relu)
F.max_pool2d, F.max_pool3d = watching_pool(F.max_pool2d), watching_pool(F.max_pool3d)


def farthest_from_kinks(forward: Callable[[int], object], inputs: int = 12) -> int:
    found = {}
    for salt in range(inputs):
        Kinks.least = 1.0
        with torch.no_grad():
            forward(salt)
        found[salt] = Kinks.least
        if Kinks.least > 4e-6:
            break
    best = max(found, key=found.__getitem__)
    print(f"{'':24} input {best} is {found[best]:.1e} from a kink")
    return best


# Convolutions as modules


def sampled(maps: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear samples [C, P] of [C, H, W] at P places, zero outside: every pixel counts by how near it is."""
    rows = (1 - (y[:, None] - torch.arange(maps.shape[1])).abs()).clamp(min=0)
    columns = (1 - (x[:, None] - torch.arange(maps.shape[2])).abs()).clamp(min=0)
    return torch.einsum("cpw,pw->cp", torch.einsum("chw,ph->cpw", maps, rows), columns)


def places(height: int, width: int) -> tuple[Tensor, Tensor]:
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    return y.flatten(), x.flatten()


class DCNv2(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        self.head = nn.Conv2d(channels, 27, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y0, x0 = places(*x.shape[2:])
        samples = []
        for one, read in zip(x, self.head(x).flatten(2)):
            total = torch.zeros(len(self.weight), y0.numel())
            for tap in range(9):
                row, column = divmod(tap, 3)
                found = sampled(one, y0 + row - 1 + read[2 * tap], x0 + column - 1 + read[2 * tap + 1])
                total = total + self.weight[:, :, row, column] @ (found * read[18 + tap].sigmoid())
            samples.append(total.unflatten(1, x.shape[2:]))
        return torch.stack(samples)


class DCNv3(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = channels // 16
        self.input, self.output = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.guide = nn.Module()
        self.guide.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.guide.norm = nn.LayerNorm(channels, eps=1e-6)
        self.offset, self.mask = nn.Linear(channels, 18 * self.groups), nn.Linear(channels, 9 * self.groups)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        guide = F.gelu(self.guide.norm(self.guide.conv(x).movedim(1, 3)))
        offsets = self.offset(guide).unflatten(3, (self.groups, 9, 2)).flatten(1, 2)  # [B, P, n, 9, 2]
        masks = self.mask(guide).unflatten(3, (self.groups, 9)).softmax(4).flatten(1, 2)
        maps = self.input(x.movedim(1, 3)).movedim(3, 1)
        y0, x0 = places(height, width)
        samples = []
        for b in range(len(x)):
            groups = []
            for g in range(self.groups):
                total = torch.zeros(16, y0.numel())
                for tap in range(9):
                    column, row = divmod(tap, 3)
                    dx, dy = offsets[b, :, g, tap, 0], offsets[b, :, g, tap, 1]
                    found = sampled(maps[b, 16 * g : 16 * g + 16], y0 + row - 1 + dy, x0 + column - 1 + dx)
                    total = total + found * masks[b, :, g, tap]
                groups.append(total)
            samples.append(torch.cat(groups).unflatten(1, (height, width)))
        return self.output(torch.stack(samples).movedim(1, 3)).movedim(3, 1)


def turned(kernel: Tensor, angle: Tensor) -> Tensor:
    """[O, C, 3, 3] turned: entry t is read at R(angle) p_t, bilinear, the place brought back to the border."""
    rows, columns = torch.meshgrid(torch.arange(-1.0, 2), torch.arange(-1.0, 2), indexing="ij")
    y, x = rows.flatten(), columns.flatten()
    across, down = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()
    found = sampled(kernel.flatten(0, 1), down.clamp(-1, 1) + 1, across.clamp(-1, 1) + 1)
    return found.reshape(kernel.shape)


class Rotation(nn.Module):
    """Angles and scales [B, n]."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.scale, self.angle = nn.Linear(channels, outputs), nn.Linear(channels, outputs, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled = F.relu(self.norm(self.conv(x).movedim(1, 3))).mean((1, 2))
        return torch.deg2rad(40 * F.softsign(self.angle(pooled))), self.scale(pooled).sigmoid()


class ARC(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4, channels, channels, 3, 3))
        self.routing = Rotation(channels, 4)

    def forward(self, x: Tensor) -> Tensor:
        angles, scales = self.routing(x)
        kernels = [sum(s * turned(w, a) for w, a, s in zip(self.weight, *pair)) for pair in zip(angles, scales)]
        return torch.cat([F.conv2d(one[None], kernel, padding=1) for one, kernel in zip(x, kernels)])


class GRA(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        self.routing = Rotation(channels, GROUPS)
        self.attention = nn.Conv2d(2, GROUPS, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        angles, scales = self.routing(x)
        samples = []
        for one, angle, scale in zip(x, angles, scales):
            # Stored filter i n + g belongs to group g.
            filters = [scale[g] * turned(self.weight[g::GROUPS], angle[g]) for g in range(GROUPS)]
            y = F.conv2d(one[None], torch.cat(filters), padding=1)
            best = y.topk(2, dim=1).values
            Kinks.see(y, (best[:, 0] - best[:, 1]).detach())
            gates = self.attention(torch.stack([y.mean(1), y.amax(1)], 1)).sigmoid()
            samples.append((y.unflatten(1, (GROUPS, -1)) * gates[:, :, None]).flatten(1, 2))
        return torch.cat(samples)


def resunet(kind: Callable[[int], nn.Module]) -> nn.Module:
    """The residual U-Net whose blocks begin with another convolution in AGI-Net's stages."""
    net = ResUnet(2, width=WIDTH)
    for number, stage in enumerate(REPLACED):
        for block in (getattr(net, stage).block1, getattr(net, stage).block2):
            block.first = kind(WIDTH << (number if number < 4 else 2))
    return net


def timed_agi_net() -> nn.Module:
    net = TimedResUnet(3, WIDTH)
    for number, stage in enumerate(REPLACED):
        getattr(net, stage).block1.first = CAGR(WIDTH << (number if number < 4 else 2), GROUPS)
    return net


# Marks


def watch_offsets(net: nn.Module) -> list[Tensor]:
    """The offsets of CAGR modules: near a whole number their gradient has two values."""
    seen: list[Tensor] = []
    for module in net.modules():
        if isinstance(module, Routing):
            module.register_forward_hook(lambda _m, _x, out: seen.append(out[0].detach().flatten()))
    return seen


def network(
    name: str, net: nn.Module, channels: int = 2, times: list[float] | None = None, twice: bool = False,
    space: tuple[int, ...] = (SIDE, SIDE), inputs: int = 12,
) -> Tensors:
    """`inputs` is the number of those of which one is taken."""
    start(net, name)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (DCNv2, GRA)):
                (module.head if isinstance(module, DCNv2) else module.attention).weight.mul_(0.01)
    run = net if times is None else lambda x: net(x, torch.tensor(times))

    def given(salt: int) -> Tensor:
        return image(f"{name}.input{salt}", BATCH, channels, *space)

    is_deformable = any(isinstance(module, (DCNv2, DCNv3)) for module in net.modules())
    salt = 0 if is_deformable else farthest_from_kinks(lambda salt: run(given(salt)), inputs)
    seen = watch_offsets(net)
    x = given(salt).requires_grad_()
    output = run(x)
    if seen:
        offsets = torch.cat(seen)
        distance = (offsets - offsets.round()).abs().min()
        assert distance > 1e-4 and offsets.max() - offsets.min() > 1, (name, distance)
    tensors = differentiate(name, dict(net.named_parameters()), x, output, twice)
    return tensors | {f"{name}/salt": torch.tensor([salt])}


class Known:
    """Gives a Store's parameters their known values when they are first asked for."""

    name: str
    tensors: Tensors

    def get(self, name: str, shape: tuple[int, ...], deviation: float, mean: float = 0) -> Tensor:
        if name not in self.tensors:
            self.tensors[name] = started(f"{self.name}.{name}", *shape).requires_grad_()
        return self.tensors[name]


class KnownGenerator(Known, Generator):
    name = "ncsnpp"


class KnownDiscriminator(Known, Discriminator):
    name = "timed_discriminator"


def ncsnpp() -> Tensors:
    net = KnownGenerator(WIDTH, [1, 1, 2, 2, 4, 4], [16], blocks=2, style=256)
    x = image("ncsnpp.input0", BATCH, 4, SIDE, SIDE).requires_grad_()
    output = net(x, torch.tensor([3.0, 10]), known("ncsnpp.latent", BATCH, 100))
    return differentiate("ncsnpp", net.tensors, x, output, False) | {"ncsnpp/salt": torch.tensor([0])}


def timed_discriminator() -> Tensors:
    name = "timed_discriminator"
    net = KnownDiscriminator(WIDTH, [2, 4, 4, 4, 4, 4], time=256)
    steps = torch.tensor([2.0, 7])

    def given(salt: int) -> tuple[Tensor, Tensor]:
        return tuple(known(f"{name}.{state}{salt}", BATCH, 1, SIDE, SIDE) for state in ("earlier", "later"))

    salt = farthest_from_kinks(lambda salt: net(*given(salt), steps))
    earlier, later = given(salt)
    later.requires_grad_()
    output = net(earlier, later, steps)
    tensors = differentiate(name, net.tensors, later, output, False)
    # SelfRDB's penalty.
    scores = net(earlier, later, steps)
    slope = torch.autograd.grad(scores.sum(), later, create_graph=True)[0]
    tensors[f"{name}/slope"] = marks(f"{name}.slope", slope)
    penalty = 0.5 * slope.pow(2).sum((1, 2, 3)).mean()
    second = torch.autograd.grad(penalty, list(net.tensors.values()), allow_unused=True)
    tensors[f"{name}/second"] = rows(f"{name}.second", net.tensors, second)
    return tensors | {f"{name}/salt": torch.tensor([salt])}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    multipliers = [1, 1, 2, 2, 4, 4]
    tensors = (
        network("resunet", ResUnet(2, width=WIDTH), twice=True)
        | network("agi-net", ResUnet(2, width=WIDTH, groups=GROUPS), twice=True)
        | network("rolling-resunet", ResUnet(2, width=WIDTH, groups=GROUPS, attention=False))
        | network("attention-resunet", ResUnet(2, width=WIDTH, groups=GROUPS, rolling=False))
        | network("deform-resunet", resunet(DCNv3), twice=True)
        | network("deform2-resunet", resunet(DCNv2), twice=True)
        | network("arc-resunet", resunet(ARC), twice=True)
        | network("gra-resunet", resunet(GRA), twice=True)
        | network("timed-resunet", TimedResUnet(3, WIDTH), 3, [13, 421.5])
        | network("timed-agi-net", timed_agi_net(), 3, [13, 421.5])
        | network("pix2pix_unet", Pix2PixUnet(2, WIDTH, LEVELS))
        | network("resnet9", ResNet9(2, WIDTH))
        | network("mmgan_unet", MMGANUnet(3, WIDTH, LEVELS), 3)
        | network("medsynth_unet", MedSynthUnet(2, WIDTH, 1))
        | network("segmentation_unet", SegmentationUnet(2, 3, WIDTH, LEVELS))
        | network("ddpm_unet", Unet(3, 1, WIDTH, multipliers, 2, [16], 1, False), 3, [13, 421.5])
        | network("iddpm_unet", Unet(3, 2, WIDTH, multipliers, 2, [16, 32], 4, True), 3, [13, 421.5])
        | ncsnpp()
        | network("patchgan_isola", PatchGAN(3, 1, WIDTH, "isola"), 3, twice=True)
        | network("patchgan_codebrain", PatchGAN(3, 1, WIDTH, "codebrain"), 3, twice=True)
        | network("patchgan_mmgan", PatchGAN(6, 3, WIDTH, "codebrain"), 6, twice=True)
        | network("medsynth_discriminator", MedSynthDiscriminator(), 1, twice=True)
        | timed_discriminator()
    )
    about = f"Marks of outputs and gradients of whole networks, width {WIDTH}, 64 x 64 pixels"
    tensors = {key: value.double() if key.endswith(("/names", "/salt")) else value.float() for key, value in tensors.items()}
    save(folder / "whole_networks.safetensors", tensors, about)


if __name__ == "__main__":
    main()
