"""Writes the golden files of the diffusion methods under Tests/Golden: schedules, networks, losses, samplers, AdamW.

Everything is computed here in double precision from the equations of Ho et al. 2020 (DDPM), Nichol and Dhariwal
2021 (improved DDPM) and Song et al. 2021 (DDIM). Inputs and parameters are rounded to the single precision in which they are
stored, so that a reader starts from the same numbers. Two runs write the same bytes.

    python Support/golden/diffusion.py [FOLDER]       # default: Tests/Golden of this checkout
"""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path

import torch
from golden import Tensors, save, stored, under
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]


# Schedules. A process is its betas and the times that the network is told.


class Process:
    def __init__(self, betas: Tensor, times: Tensor | None = None) -> None:
        self.betas, self.steps = betas, len(betas)
        self.left = torch.cumprod(1 - betas, 0)
        self.left_before = torch.cat([torch.ones(1), self.left[:-1]])
        self.times = torch.arange(self.steps) * 1000 / self.steps if times is None else times
        # Bayes' rule for the product of N(x_t; sqrt(alpha) x, beta) and N(x; sqrt(left_before) x0, 1 - left_before).
        prior = 1 / (1 - self.left_before[1:])
        evidence = (1 - betas[1:]) / betas[1:]
        variance = 1 / (prior + evidence)
        self.variance = torch.cat([torch.zeros(1), variance])
        self.of_image = torch.cat([torch.ones(1), variance * prior * self.left_before[1:].sqrt()])
        self.of_noised = torch.cat([torch.zeros(1), variance * (1 - betas[1:]).sqrt() / betas[1:]])
        self.positive_variance = torch.cat([variance[:1], variance])

    def respaced(self, count: int) -> Process:
        kept = [round(Fraction(i * (self.steps - 1), count - 1)) for i in range(count)]
        left = self.left[kept]
        before = torch.cat([torch.ones(1), left[:-1]])
        return Process(1 - left / before, self.times[kept])


def linear(steps: int) -> Process:
    scale = 1000 / steps
    return Process(torch.linspace(scale * 1e-4, scale * 0.02, steps).clamp(max=0.999))


def cosine(steps: int) -> Process:
    def left(t: float) -> float:
        return math.cos((t / steps + 0.008) / 1.008 * math.pi / 2) ** 2

    return Process(torch.tensor([min(1 - left(t + 1) / left(t), 0.999) for t in range(steps)]))


def tables() -> Tensors:
    processes = {"linear": linear(1000), "cosine": cosine(1000)}
    processes |= {"linear100": linear(100), "cosine_of_50": cosine(1000).respaced(50)}
    return {
        f"{name}/{key}": value
        for name, process in processes.items()
        for key, value in {
            "betas": process.betas,
            "alpha_bars": process.left,
            "times": process.times.double(),
            "variances": process.variance,
            "weight_image": process.of_image,
            "weight_noised": process.of_noised,
        }.items()
    }


# Networks. Names are those of a checkpoint of ours.


def sinusoids(times: Tensor, count: int) -> Tensor:
    half = count // 2
    angles = times[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
    return torch.cat([angles.cos(), angles.sin()], 1)


class TimeEmbedding(nn.Module):
    def __init__(self, waves: int, output: int) -> None:
        super().__init__()
        self.waves, self.first, self.second = waves, nn.Linear(waves, output), nn.Linear(output, output)

    def forward(self, times: Tensor) -> Tensor:
        return self.second(F.silu(self.first(sinusoids(times, self.waves))))


def norm(channels: int) -> nn.GroupNorm:
    fitting = [g for g in range(1, max(1, channels // 4) + 1) if channels % g == 0]
    return nn.GroupNorm(32 if channels % 32 == 0 else fitting[-1], channels)


class Block(nn.Module):
    def __init__(self, channels: int, output: int, embedding: int, scale_shift: bool) -> None:
        super().__init__()
        self.scale_shift = scale_shift
        self.norm1, self.norm2 = norm(channels), norm(output)
        self.first = nn.Conv2d(channels, output, 3, padding=1)
        self.second = nn.Conv2d(output, output, 3, padding=1)
        self.time = nn.Linear(embedding, output * (2 if scale_shift else 1))
        self.skip = nn.Conv2d(channels, output, 1) if channels != output else None

    def forward(self, z: Tensor, embedding: Tensor) -> Tensor:
        h = self.first(F.silu(self.norm1(z)))
        told = self.time(F.silu(embedding))[..., None, None]
        if self.scale_shift:
            scale, shift = told.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + told)
        return self.second(F.silu(h)) + (z if self.skip is None else self.skip(z))


class Attention(nn.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm = heads, norm(channels)
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        batch, channels, height, width = z.shape
        each = self.qkv(self.norm(z)).reshape(batch, self.heads, 3, channels // self.heads, height * width)
        query, key, value = (each[:, :, i].transpose(2, 3) for i in range(3))  # [B, heads, pixels, depth]
        read = F.scaled_dot_product_attention(query, key, value)
        return z + self.out(read.transpose(2, 3).reshape(z.shape))


class Level(nn.Module):
    """Blocks `block1`, ... with `attention1`, ... after them, and `sample`."""


class Unet(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, width: int, multipliers: list[int], blocks: int, attention: list[int],
        heads: int, scale_shift: bool,
    ) -> None:
        super().__init__()
        self.multipliers, self.blocks, self.multiple = multipliers, blocks, 2 ** (len(multipliers) - 1)
        self.time = TimeEmbedding(width, 4 * width)
        self.head = nn.Conv2d(inputs, width, 3, padding=1)
        channels, skips = width, [width]

        def put(level: Level, number: int, given: int, output: int, factor: int) -> None:
            level.add_module(f"block{number}", Block(given, output, 4 * width, scale_shift))
            if factor in attention:
                level.add_module(f"attention{number}", Attention(output, heads))

        for depth, multiplier in enumerate(multipliers):
            level = Level()
            for number in range(1, blocks + 1):
                put(level, number, channels, multiplier * width, 2**depth)
                channels = multiplier * width
                skips.append(channels)
            if depth + 1 < len(multipliers):
                level.add_module("sample", nn.Conv2d(channels, channels, 3, 2, 1))
                skips.append(channels)
            self.add_module(f"down{depth + 1}", level)
        self.body = Level()
        self.body.block1 = Block(channels, channels, 4 * width, scale_shift)
        self.body.attention = Attention(channels, heads)
        self.body.block2 = Block(channels, channels, 4 * width, scale_shift)
        for depth in reversed(range(len(multipliers))):
            level = Level()
            for number in range(1, blocks + 2):
                put(level, number, channels + skips.pop(), multipliers[depth] * width, 2**depth)
                channels = multipliers[depth] * width
            if depth > 0:
                level.add_module("sample", nn.Conv2d(channels, channels, 3, padding=1))
            self.add_module(f"up{len(multipliers) - depth}", level)
        self.tail = Level()
        self.tail.norm, self.tail.conv = norm(channels), nn.Conv2d(channels, outputs, 3, padding=1)

    def through(self, level: nn.Module, number: int, x: Tensor, embedding: Tensor) -> Tensor:
        x = getattr(level, f"block{number}")(x, embedding)
        attention = getattr(level, f"attention{number}", None)
        return x if attention is None else attention(x)

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        embedding = self.time(times)
        x = self.head(x)
        skips = [x]
        for depth in range(1, len(self.multipliers) + 1):
            level = getattr(self, f"down{depth}")
            for number in range(1, self.blocks + 1):
                x = self.through(level, number, x, embedding)
                skips.append(x)
            if hasattr(level, "sample"):
                x = level.sample(x)
                skips.append(x)
        x = self.body.block1(x, embedding)
        x = self.body.block2(self.body.attention(x), embedding)
        for depth in range(1, len(self.multipliers) + 1):
            level = getattr(self, f"up{depth}")
            for number in range(1, self.blocks + 2):
                x = self.through(level, number, torch.cat([x, skips.pop()], 1), embedding)
            if hasattr(level, "sample"):
                x = level.sample(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.tail.conv(F.silu(self.tail.norm(x)))[:, :, :height, :width]


class TimedResBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.time = nn.Linear(256, channels)

    def forward(self, z: Tensor, embedding: Tensor) -> Tensor:
        return z + self.second(F.relu(self.first(z) + self.time(embedding)[..., None, None]))


class TimedResUnet(nn.Module):
    """The residual U-Net with one block a stage and a time that is added after every first convolution."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        widths = [width * factor for factor in (1, 2, 4, 8)]
        self.time = TimeEmbedding(64, 256)
        self.head = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
        for i in range(3):
            stage = Level()
            stage.block1 = TimedResBlock(widths[i])
            stage.sample = nn.Conv2d(widths[i], widths[i + 1], 2, 2, bias=False)
            self.add_module(f"down{i + 1}", stage)
        self.body = Level()
        self.body.block1 = TimedResBlock(widths[3])
        for i in range(3):
            stage = Level()
            stage.sample = nn.ConvTranspose2d(widths[3 - i], widths[2 - i], 2, 2, bias=False)
            stage.block1 = TimedResBlock(widths[2 - i])
            self.add_module(f"up{i + 1}", stage)
        self.tail = nn.Conv2d(width, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        embedding = self.time(times)
        skips = [self.head(x)]
        for stage in (self.down1, self.down2, self.down3):
            skips.append(stage.sample(stage.block1(skips[-1], embedding)))
        x = self.body.block1(skips[-1], embedding)
        for stage in (self.up1, self.up2, self.up3):
            x = stage.block1(stage.sample(x + skips.pop()), embedding)
        return self.tail(x + skips.pop())


def stirred(network: nn.Module) -> nn.Module:
    """Every parameter away from its start and exact in single precision; kernels keep a signal's size."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=(1.5 / parameter[0].numel()) ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.normal_(mean=1, std=0.2)
            else:
                parameter.normal_(std=0.2)
            parameter.copy_(parameter.float())
    return network


# Losses


def column(table: Tensor, steps: Tensor) -> Tensor:
    return table[steps][:, None, None, None]


def noised(process: Process, image: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
    return column(process.left.sqrt(), steps) * image + column((1 - process.left).sqrt(), steps) * noise


def image_of(process: Process, x: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
    return (x - column((1 - process.left).sqrt(), steps) * noise) / column(process.left.sqrt(), steps)


def posterior_mean(process: Process, image: Tensor, x: Tensor, steps: Tensor) -> Tensor:
    return column(process.of_image, steps) * image + column(process.of_noised, steps) * x


def log_variance(process: Process, v: Tensor, steps: Tensor) -> Tensor:
    f = (v + 1) / 2
    return f * column(process.betas.log(), steps) + (1 - f) * column(process.positive_variance.log(), steps)


def cumulative(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def log_likelihood(image: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    deviation = torch.exp(log_variance / 2)
    upper, lower = (cumulative((image - mean + side / 255) / deviation) for side in (1, -1))
    # The outermost bins reach to infinity.
    upper = torch.where(image > 0.999, torch.ones(()), upper)
    lower = torch.where(image < -0.999, torch.zeros(()), lower)
    return (upper - lower).clamp(min=1e-12).log()


def bound(process: Process, image: Tensor, x: Tensor, noise: Tensor, v: Tensor, steps: Tensor) -> Tensor:
    """Each sample's term of the variational bound in bits per pixel; the mean carries no gradient."""
    mean = posterior_mean(process, image_of(process, x, noise.detach(), steps), x, steps)
    learned = torch.distributions.Normal(mean, (log_variance(process, v, steps) / 2).exp())
    variance = column(process.positive_variance, steps)
    truth = torch.distributions.Normal(posterior_mean(process, image, x, steps), variance.sqrt())
    divergence = torch.distributions.kl_divergence(truth, learned)
    cost = -log_likelihood(image, mean, log_variance(process, v, steps))
    return torch.where(column(torch.arange(process.steps), steps) == 0, cost, divergence).mean((1, 2, 3)) / math.log(2)


# Sampling, with the noise that Swift draws: a generator of its own for every sample and step.

MASK = 2**64 - 1


def mix(seed: int, name: str) -> int:
    """FNV-1a of the name, moved by the seed, through SplitMix64's mixer."""
    code = 0xCBF29CE484222325
    for byte in name.encode():
        code = ((code ^ byte) * 0x100000001B3) & MASK
    z = (code + seed * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fresh(like: Tensor, seed: int, sample: int, step: int) -> Tensor:
    generator = torch.Generator().manual_seed(mix(seed, f"sample {sample} step {step}"))
    return torch.empty(1, *like.shape[1:]).normal_(generator=generator).expand_as(like)


@torch.no_grad()
def draw(
    network: nn.Module, process: Process, sources: Tensor, sampler: str, *, eta: float = 0, variance: str = "large",
    samples: int = 1, seed: int = 1,
) -> Tensor:
    condition, like = sources * 2 - 1, sources[:, :1]
    images = []
    for sample in range(samples):
        x = fresh(like, seed, sample, process.steps)
        for t in reversed(range(process.steps)):
            steps = torch.full((len(x),), t)
            said = network(torch.cat([x, condition], 1), process.times[steps].double())
            image = image_of(process, x, said[:, :1], steps).clamp(-1, 1)
            if sampler == "ddim":
                left, before = process.left[t], process.left_before[t]
                deviation = eta * ((1 - before) / (1 - left) * (1 - left / before)).sqrt()
                noise = (x - left.sqrt() * image) / (1 - left).sqrt()
                x = before.sqrt() * image + (1 - before - deviation**2).clamp(min=0).sqrt() * noise
                if eta > 0:
                    x = x + deviation * fresh(like, seed, sample, t)
                continue
            if said.shape[1] == 2:
                logarithm = log_variance(process, said[:, 1:], steps)
            elif variance == "small" or t == 0:
                logarithm = process.positive_variance[t].log()
            else:
                logarithm = process.betas[t].log()
            x = posterior_mean(process, image, x, steps)
            if t > 0:
                x = x + (logarithm / 2).exp() * fresh(like, seed, sample, t)
        images.append(x)
    return (torch.stack(images).mean(0) + 1) / 2


# Files


def batch(count: int) -> Tensors:
    target = torch.rand(count, 1, 11, 14).float().double()
    # Pixels of background and of full intensity, which lie in the open bins.
    target[:, :, :2], target[:, :, 2] = 0, 1
    sources = torch.rand(count, 2, 11, 14).float().double()
    return {"sources": sources, "target": target, "noise": torch.randn(count, 1, 11, 14).float().double()}


def learned(name: str) -> Tensors:
    improved = name == "iddpm"
    process, steps = (cosine(40), [0, 1, 7, 39]) if improved else (linear(100), [0, 13, 99])
    network = stirred(
        Unet(3, 2 if improved else 1, 8, [1, 2], 1, [1, 2] if improved else [2], 2 if improved else 1, improved)
    )
    given, at = batch(len(steps)), torch.tensor(steps)
    image = given["target"] * 2 - 1
    x = noised(process, image, given["noise"], at)
    output = network(torch.cat([x, given["sources"] * 2 - 1], 1), process.times[at].double())
    tensors = {"steps": at.double(), "output": output}
    loss = F.mse_loss(output[:, :1], given["noise"])
    tensors["loss/mse"] = loss[None]
    if improved:
        bits = bound(process, image, x, output[:, :1], output[:, 1:], at)
        tensors["bits"] = bits
        tensors["loss/vlb"] = bits.mean()[None] * process.steps / 1000
        loss = loss + bits.mean() * process.steps / 1000
    loss.backward()
    tensors |= {f"gradient/{key}": p.grad for key, p in network.named_parameters()}
    tensors |= {f"parameter/{key}": p for key, p in network.named_parameters()}
    short = process.respaced(5)
    ways = {
        "ancestral": {"sampler": "ancestral"},
        "ddim": {"sampler": "ddim"},
        "stochastic": {"sampler": "ddim", "eta": 0.5, "seed": 7},
        "mean": {"sampler": "ancestral", "samples": 2, "seed": 3},
    }
    if not improved:
        ways["small"] = {"sampler": "ancestral", "variance": "small"}
    for way, options in ways.items():
        tensors[f"drawn/{way}"] = draw(network, short, given["sources"], **options)
    tensors["drawn/all"] = draw(network, process, given["sources"], "ancestral")
    return stored(tensors | given)


def timed_resunet() -> Tensors:
    network = stirred(TimedResUnet(3, 2))
    x, times = torch.randn(2, 3, 16, 8).float().double(), torch.tensor([0.0, 421.5])
    output = network(x, times)
    probe = torch.randn_like(output).float().double()
    (output * probe).sum().backward()
    tensors = {"input": x, "times": times, "output": output, "probe": probe}
    tensors |= {f"parameter/{name}": p for name, p in network.named_parameters()}
    # The embedding's matrices are most of the file; their biases' gradients tell whether they are right.
    large = ("time.first.weight", "time.second.weight")
    tensors |= {f"gradient/{name}": p.grad for name, p in network.named_parameters() if name not in large}
    return stored(tensors)


def adamw() -> Tensors:
    parameter = nn.Parameter(torch.randn(6))
    tensors = {"initial": parameter.detach().clone(), "gradients": torch.randn(3, 6)}
    tensors["gradients"][:, 0] = 0
    optimiser = torch.optim.AdamW([parameter], lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.3)
    states = []
    for gradient in tensors["gradients"]:
        parameter.grad = gradient.clone()
        optimiser.step()
        states.append(parameter.detach().clone())
    return tensors | {"parameter": torch.stack(states)}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    small = "U-Net of width 8, two levels, 11 x 14 padded to 12 x 14; noise of sampling from SamplingNoise's generators"
    files = {
        "noise_schedules": (tables, "Linear and cosine, T = 1000; linear, T = 100; cosine respaced to 50"),
        "ddpm": (lambda: learned("ddpm"), f"Linear, T = 100, time added; {small}"),
        "iddpm": (lambda: learned("iddpm"), f"Cosine, T = 40, scale and shift, learned range; {small}"),
        "timed_resunet": (timed_resunet, "Width 2, one block a stage; loss sum(output * probe)"),
        "adamw": (adamw, "Three AdamW steps, rate 1e-2, betas 0.9 and 0.999, eps 1e-8, decay 0.3"),
    }
    for seed, (name, (make, about)) in enumerate(files.items(), start=31):
        torch.manual_seed(seed)
        save(folder / f"{name}.safetensors", make(), about)


if __name__ == "__main__":
    main()
