"""Writes Tests/Golden/{fir,ncsnpp,selfrdb}.safetensors, which SelfRDB's parts are checked against.

Written from the mathematics, with no code shared with the Swift side: networks are functions of named
parameters, filtering by 2 is a product with explicit matrices, and the derivatives are autograd's.
Everything is computed in double precision. Inputs and parameters are first rounded to single, in which
they are stored. Two runs write the same bytes.

    python Support/golden/selfrdb.py [FOLDER]       # default: Tests/Golden of this checkout
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from golden import Tensors, save, single, stored, unit
from torch import Tensor
from torch.nn import functional as F

TAPS = np.array([1.0, 3, 3, 1]) / 8


# Filtering: one axis at a time, as matrices [out, in]


def halving(size: int) -> Tensor:
    """Row i weighs the four entries around 2i + 1/2; zeros lie outside."""
    rows = np.zeros((size // 2, size))
    for i in range(size // 2):
        for k, tap in enumerate(TAPS):
            if 0 <= (j := 2 * i + k - 1) < size:
                rows[i, j] += tap
    return torch.from_numpy(rows)


def doubling(size: int) -> Tensor:
    """Entries two apart with zeros between them, filtered, times 2: output i takes the entries of even place near it."""
    rows = np.zeros((2 * size, size))
    for i in range(2 * size):
        for k, tap in enumerate(TAPS):
            place = i + k - 2
            if place % 2 == 0 and 0 <= place // 2 < size:
                rows[i, place // 2] += 2 * tap
    return torch.from_numpy(rows)


def blurring(size: int) -> Tensor:
    """The filter at size + 1 places between and around the entries."""
    rows = np.zeros((size + 1, size))
    for i in range(size + 1):
        for k, tap in enumerate(TAPS):
            if 0 <= (j := i + k - 2) < size:
                rows[i, j] += tap
    return torch.from_numpy(rows)


def both(matrix: Callable[[int], Tensor], x: Tensor) -> Tensor:
    return torch.einsum("ih,jw,bchw->bcij", matrix(x.shape[2]), matrix(x.shape[3]), x)


# Networks as functions of named parameters, which are made when they are first asked for


class Store:
    def __init__(self) -> None:
        self.tensors: Tensors = {}

    def get(self, name: str, shape: tuple[int, ...], deviation: float, mean: float = 0) -> Tensor:
        if name not in self.tensors:
            self.tensors[name] = (mean + deviation * torch.randn(shape)).float().double().requires_grad_()
        assert self.tensors[name].shape == shape, (name, shape)
        return self.tensors[name]

    def convolve(self, name: str, x: Tensor, out: int, kernel: int = 3, stride: int = 1, padding: int | None = None,
                 bias: bool = True) -> Tensor:
        shape = (out, x.shape[1], kernel, kernel)
        weight = self.get(f"{name}.weight", shape, math.prod(shape[1:]) ** -0.5)
        offset = self.get(f"{name}.bias", (out,), 0.2) if bias else None
        return F.conv2d(x, weight, offset, stride, kernel // 2 if padding is None else padding)

    def linear(self, name: str, x: Tensor, out: int) -> Tensor:
        weight = self.get(f"{name}.weight", (out, x.shape[1]), x.shape[1] ** -0.5)
        return F.linear(x, weight, self.get(f"{name}.bias", (out,), 0.2))

    def normalise(self, name: str, x: Tensor) -> Tensor:
        weight = self.get(f"{name}.weight", (x.shape[1],), 0.3, mean=1)
        return spread_out(x) * weight[:, None, None] + self.get(f"{name}.bias", (x.shape[1],), 0.2)[:, None, None]

    def saved(self, prefix: str) -> Tensors:
        return {prefix + name: tensor.detach().clone() for name, tensor in self.tensors.items()}

    def gradients(self, prefix: str) -> Tensors:
        return {prefix + name: tensor.grad.clone() for name, tensor in self.tensors.items()}


def groups(channels: int) -> int:
    return max(g for g in range(1, max(1, min(channels // 4, 32)) + 1) if channels % g == 0)


def spread_out(x: Tensor) -> Tensor:
    """Group norm without weights, written out."""
    y = x.reshape(x.shape[0], groups(x.shape[1]), -1)
    y = (y - y.mean(2, keepdim=True)) / (y.var(2, unbiased=False, keepdim=True) + 1e-6).sqrt()
    return y.reshape(x.shape)


def embed(store: Store, name: str, steps: Tensor, waves: int, out: int, act: Callable[[Tensor], Tensor]) -> Tensor:
    half = waves // 2
    angles = steps[:, None] * torch.tensor([10_000 ** (-i / (half - 1)) for i in range(half)])
    hidden = store.linear(f"{name}.first", torch.cat([angles.sin(), angles.cos()], 1), out)
    return act(store.linear(f"{name}.second", act(hidden), out))


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


class Generator(Store):
    def __init__(self, width: int, multipliers: list[int], attention: list[int], blocks: int, style: int) -> None:
        super().__init__()
        self.width, self.multipliers, self.attention = width, multipliers, attention
        self.blocks, self.style = blocks, style

    def __call__(self, x: Tensor, steps: Tensor, latent: Tensor) -> Tensor:
        time = embed(self, "time", steps, self.width, 4 * self.width, F.silu)
        style = latent / (latent.pow(2).mean(1, keepdim=True) + 1e-8).sqrt()
        for layer in range(1, 5):
            style = F.silu(self.linear(f"style.layer{layer}", style, self.style))

        def norm(name: str, x: Tensor) -> Tensor:
            factor, shift = self.linear(f"{name}.style", style, 2 * x.shape[1])[:, :, None, None].chunk(2, 1)
            return spread_out(x) * (1 + factor) + shift

        def block(name: str, x: Tensor, out: int, resample: Callable[[int], Tensor] | None = None) -> Tensor:
            inner, outer = F.silu(norm(f"{name}.norm1", x)), x
            if resample:
                inner, outer = both(resample, inner), both(resample, outer)
            inner = self.convolve(f"{name}.first", inner, out)
            inner = inner + self.linear(f"{name}.time", time, out)[:, :, None, None]
            inner = self.convolve(f"{name}.second", F.silu(norm(f"{name}.norm2", inner)), out)
            if resample or x.shape[1] != out:
                outer = self.convolve(f"{name}.skip", outer, out, kernel=1)
            return (inner + outer) / math.sqrt(2)

        def attend(name: str, x: Tensor) -> Tensor:
            channels = x.shape[1]
            y = self.normalise(f"{name}.norm", x)
            q, k, v = (self.convolve(f"{name}.{part}", y, channels, kernel=1).flatten(2)
                       for part in ("queries", "keys", "values"))
            shares = (torch.einsum("bcr,bcs->brs", q, k) / math.sqrt(channels)).softmax(2)
            read = torch.einsum("brs,bcs->bcr", shares, v).reshape(x.shape)
            return (x + self.convolve(f"{name}.out", read, channels, kernel=1)) / math.sqrt(2)

        image, levels = x, len(self.multipliers)
        x = self.convolve("head", x, self.width)
        skips = [x]
        for level, multiplier in enumerate(self.multipliers):
            here = f"down{level + 1}"
            for number in range(1, self.blocks + 1):
                x = block(f"{here}.block{number}", x, multiplier * self.width)
                if 2**level in self.attention:
                    x = attend(f"{here}.attention{number}", x)
                skips.append(x)
            if level < levels - 1:
                x = block(f"{here}.sample", x, x.shape[1], halving)
                image = self.convolve(f"{here}.image", both(blurring, image), x.shape[1], stride=2, padding=0)
                image = x = (image + x) / math.sqrt(2)
                skips.append(x)
        x = block("body.block1", x, x.shape[1])
        x = attend("body.attention", x)
        x = block("body.block2", x, x.shape[1])
        for level in reversed(range(levels)):
            here = f"up{levels - level}"
            for number in range(1, self.blocks + 2):
                x = block(f"{here}.block{number}", torch.cat([x, skips.pop()], 1), self.multipliers[level] * self.width)
            if 2**level in self.attention:
                x = attend(f"{here}.attention", x)
            if level > 0:
                x = block(f"{here}.sample", x, x.shape[1], doubling)
        assert not skips
        return self.convolve("tail.conv", F.silu(self.normalise("tail.norm", x)), 1).tanh()


class Discriminator(Store):
    def __init__(self, width: int, multipliers: list[int], time: int) -> None:
        super().__init__()
        self.width, self.multipliers, self.time = width, multipliers, time

    def __call__(self, earlier: Tensor, later: Tensor, steps: Tensor) -> Tensor:
        time = embed(self, "time", steps, self.time, self.time, leaky)
        x = self.convolve("head", torch.cat([earlier, later], 1), self.width, kernel=1)
        for index, multiplier in enumerate(self.multipliers, start=1):
            here, out = f"block{index}", multiplier * self.width
            inner = self.convolve(f"{here}.first", leaky(x), out)
            inner = leaky(inner + self.linear(f"{here}.time", time, out)[:, :, None, None])
            inner = self.convolve(f"{here}.second", both(halving, inner), out)
            x = (inner + self.convolve(f"{here}.skip", both(halving, x), out, kernel=1, bias=False)) / math.sqrt(2)
        batch, channels = x.shape[:2]
        group = max(g for g in range(1, 5) if batch % g == 0)
        places = batch // group
        spread = torch.zeros(batch)
        for place in range(places):
            members = torch.arange(place, batch, places)
            deviation = (x[members].var(0, unbiased=False) + 1e-8).sqrt().mean()
            spread = spread.index_put((members,), deviation)
        x = torch.cat([x, spread[:, None, None, None].expand(batch, 1, *x.shape[2:])], 1)
        x = leaky(self.convolve("tail.conv", x, channels))
        return self.linear("tail.score", x.sum((2, 3)), 1)


# The bridge


class Bridge:
    def __init__(self, steps: int) -> None:
        rise = np.concatenate([[0], np.linspace(math.sqrt(0.1), math.sqrt(3 / steps), steps + 1) ** 2])
        half = (steps + 1) // 2
        middle = rise[half : half + 1] if steps % 2 == 0 else rise[:0]
        betas = np.concatenate([rise[:half], middle, rise[:half][::-1]])
        total = np.cumsum(betas)
        self.spread = torch.from_numpy(np.sqrt(total))
        back = total[::-1]
        self.target = torch.from_numpy(back / (total + back))
        self.source = torch.from_numpy(total / (total + back))
        self.deviation = torch.from_numpy(betas.sum() * np.sqrt(total) / (total + back))

    def state(self, t: Tensor, x0: Tensor, y: Tensor, noise: Tensor) -> Tensor:
        a, b, s = (v[t][:, None, None, None] for v in (self.target, self.source, self.deviation))
        return a * x0 + b * y + s * noise

    def earlier(self, t: Tensor, x: Tensor, x0: Tensor, y: Tensor, noise: Tensor) -> Tensor:
        def at(values: Tensor, t: Tensor) -> Tensor:
            return values[t][:, None, None, None]

        now, before = at(self.spread, t) ** 2, at(self.spread, t - 1) ** 2
        ratio = at(self.target, t) / at(self.target, t - 1)
        v = (now - before * ratio**2) * before / now
        rest = x - at(self.target, t) * x0 - at(self.source, t) * y
        mean = at(self.target, t - 1) * x0 + at(self.source, t - 1) * y + ((before - v) / now).sqrt() * rest
        return mean + v.sqrt() * noise


def make_fir() -> Tensors:
    x = single(2, 3, 6, 8)
    return {
        "input": x, "halved": both(halving, x), "doubled": both(doubling, x), "blurred": both(blurring, x)
    }


def make_networks() -> Tensors:
    generator = Generator(width=4, multipliers=[1, 2, 2], attention=[2], blocks=1, style=5)
    x, latent, steps = single(3, 4, 8, 12).requires_grad_(), single(3, 6), torch.tensor([1.0, 7, 10])
    output = generator(x, steps, latent)
    probe = single(*output.shape)
    (output * probe).sum().backward()
    assert 0.1 < output.detach().abs().mean() < 0.9, "the output's tanh is idle or saturated"
    tensors = {"input": x, "latent": latent, "steps": steps, "probe": probe, "output": output,
               "gradient/input": x.grad}
    tensors |= generator.saved("parameter/") | generator.gradients("gradient/")

    judge = Discriminator(width=4, multipliers=[2, 3], time=6)
    earlier, later = single(6, 1, 8, 12), single(6, 1, 8, 12).requires_grad_()
    steps = torch.tensor([1.0, 2, 4, 6, 8, 10])
    scores = judge(earlier, later, steps)
    slope = torch.autograd.grad(scores.sum(), later, create_graph=True)[0]
    (scores.pow(2).sum() + slope.pow(2).sum()).backward()
    pieces = {"earlier": earlier, "later": later, "steps": steps, "scores": scores, "slope": slope}
    pieces |= judge.saved("parameter/") | judge.gradients("gradient/")
    return tensors | {f"discriminator/{name}": tensor for name, tensor in pieces.items()}


def make_steps() -> Tensors:
    """Three improvements of both networks; the penalty is paid in the first and the third."""
    generator = Generator(width=4, multipliers=[1, 2], attention=[2], blocks=1, style=5)
    judge = Discriminator(width=4, multipliers=[2, 2], time=6)
    bridge, tensors, losses = Bridge(10), {}, []
    optimizers: list[torch.optim.Adam] = []

    def frame(x: Tensor) -> Tensor:
        """10 x 12 to 12 x 12, and [0, 1] to [-1, 1]."""
        return 2 * F.pad(x, (0, 0, 1, 1)) - 1

    for number in range(1, 4):
        sources, target = unit(4, 2, 10, 12), unit(4, 1, 10, 12)
        tensors |= {f"batch{number}/sources": sources, f"batch{number}/target": target}
        draws = []
        for name in ("discriminator", "generator"):
            draw = {"steps": torch.randperm(10)[:4] + 1}
            if number == 1:
                draw["steps"] = torch.tensor([1, 4, 9, 10])
            draw |= {part: single(4, 1, 12, 12) for part in ("state", "earlier", "transition")}
            draw |= {f"latent{r}": single(4, 6) for r in (1, 2)}
            tensors |= {f"batch{number}/{name}/{part}": value.double() for part, value in draw.items()}
            draws.append(draw)
        x, x0 = frame(sources), frame(target)
        y = x.mean(1, keepdim=True)

        def estimate(state: Tensor, draw: Tensors) -> Tensor:
            guess = torch.zeros_like(state)
            for latent in (draw["latent1"], draw["latent2"]):
                guess = generator(torch.cat([guess, state, x], 1), draw["steps"].double(), latent)
            return guess

        draw = draws[0]
        t = draw["steps"]
        state = bridge.state(t, x0, y, draw["state"]).requires_grad_()
        before = bridge.state(t - 1, x0, y, draw["earlier"])
        with torch.no_grad():
            made = bridge.earlier(t, state, estimate(state, draw), y, draw["transition"])
        if not optimizers:
            judge(before, state, t.double())
            for store in (generator, judge):
                name = "generator" if store is generator else "discriminator"
                tensors |= store.saved(f"initial/{name}.")
                rate = 1.6e-3 if store is generator else 1e-3
                optimizers.append(torch.optim.Adam(store.tensors.values(), lr=rate, betas=(0.5, 0.9)))
        real = judge(before, state, t.double())
        loss = F.softplus(-real).mean() + F.softplus(judge(made, state.detach(), t.double())).mean()
        if number != 2:
            slope = torch.autograd.grad(real.sum(), state, create_graph=True)[0]
            loss = loss + 0.5 * slope.pow(2).sum((1, 2, 3)).mean()
        optimizers[1].zero_grad()
        loss.backward()
        if number == 1:
            tensors |= judge.gradients("gradient/discriminator.")
        discriminator_loss = loss.item()

        def generator_losses(draw: Tensors) -> tuple[Tensor, Tensor]:
            t = draw["steps"]
            state = bridge.state(t, x0, y, draw["state"])
            guess = estimate(state, draw)
            assert (guess - x0).detach().abs().min() > 1e-6, "a pixel so near its target makes the gradient ambiguous"
            made = bridge.earlier(t, state, guess, y, draw["transition"])
            return (guess - x0).abs().sum(), F.softplus(-judge(made, state, t.double())).mean()

        if number == 1:
            distance, adversarial = generator_losses(draws[1])
            optimizers[0].zero_grad()
            (0.5 * distance + adversarial).backward(inputs=list(generator.tensors.values()))
            tensors |= generator.gradients("gradient/generator.")
        optimizers[1].step()
        distance, adversarial = generator_losses(draws[1])
        optimizers[0].zero_grad()
        (0.5 * distance + adversarial).backward(inputs=list(generator.tensors.values()))
        optimizers[0].step()
        losses.append([discriminator_loss, distance.item() / (2 * x0.numel()), adversarial.item()])
    tensors |= generator.saved("final/generator.") | judge.saved("final/discriminator.")
    return tensors | {"losses": torch.tensor(losses)}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    def write(name: str, seed: int, make: Callable[[], Tensors], about: str) -> None:
        torch.manual_seed(seed)
        save(folder / f"{name}.safetensors", stored(make()), about)

    write("fir", 31, make_fir, "Resampling by 2 through [1, 3, 3, 1], as products with matrices")
    write(
        "ncsnpp", 32, make_networks,
        "NCSN++ (width 4, levels 1 2 2, attention at 2, 1 block, latent 6, style 5), loss sum(output * probe); the timed "
        "discriminator (width 4, blocks 2 3, time 6), loss sum(scores^2) + sum(slope^2)",
    )
    write(
        "selfrdb", 33, make_steps,
        "Three SelfRDB steps (NCSN++ width 4, levels 1 2; discriminator width 4, blocks 2 2; 2 recursions; rates 1.6e-3 "
        "and 1e-3), and both losses' gradients before the first",
    )


if __name__ == "__main__":
    main()
