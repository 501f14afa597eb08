"""Writes Tests/Golden/frameworks.safetensors: the published networks and three training steps of each framework.

Everything is computed in double precision by plain PyTorch (generators.py); weights and images are known
numbers (known.py), dropout is off, random patches cover the whole image.

    python Support/golden/frameworks.py [FOLDER]       # default: Tests/Golden of this checkout

Keys: `<network>/output` and `<network>/gradient/<parameter>`, fingerprints for the loss sum(output * probe);
`<framework>/loss/<name>`, each step's value; `<framework>/way/<network>.<parameter>`, the fingerprint of how far the
steps moved it. Biases before a norm have no gradient but rounding: they are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generators import MedSynthDiscriminator, MedSynthUnet, MMGANUnet, PatchGAN, Pix2PixUnet, ResNet9, VGG16
from golden import save
from known import Tensors, fingerprint, image, known, start

ROOT = Path(__file__).resolve().parents[2]
WIDTH, LEVELS, STEPS = 4, 4, 3


def is_idle(network: str, name: str) -> bool:
    """Whether a parameter is a bias that a norm takes away again."""
    if not name.endswith("bias") or "norm" in name or "tail" in name:
        return False
    if network == "patchgan":
        return name in ("conv2.bias", "conv3.bias", "conv4.bias")
    return network in ("resnet9", "medsynth_unet")


def network(name: str, net: nn.Module, *shape: int) -> Tensors:
    start(net, name)
    x = image(f"{name}.input", *shape).requires_grad_()
    output = net(x)
    assert (output != 0).double().mean() > 0.2, f"{name} gives little but zeros"
    (output * known(f"{name}.probe", *output.shape)).sum().backward()
    found = {"output": output, "gradient/input": x.grad}
    for key, parameter in net.named_parameters():
        if not is_idle(name, key):
            found[f"gradient/{key}"] = parameter.grad
    # Batch norms have gathered one batch; at test time they use it.
    if any(isinstance(module, nn.BatchNorm2d) for module in net.modules()):
        found |= {f"buffer/{key}": value for key, value in net.named_buffers() if value.dim() > 0}
        with torch.no_grad():
            found["test"] = net.eval()(x)
    return {f"{name}/{key}": fingerprint(f"{name}.{key}", value) for key, value in found.items()}


def batches(name: str, side: int) -> Iterator[tuple[Tensor, Tensor]]:
    for step in range(1, STEPS + 1):
        yield image(f"{name}.sources{step}", 2, 2, side, side), image(f"{name}.target{step}", 2, 1, side, side)


def squares(scores: Tensor, wanted: float | Tensor) -> Tensor:
    return ((scores - wanted) ** 2).mean()


def framework(
    name: str,
    generator: tuple[str, nn.Module],
    judge: tuple[str, nn.Module],
    losses: Callable[[Tensor, Tensor], Iterator[tuple[str, float, Tensor]]],
    side: int = 32,
    judge_last: bool = False,
    betas: tuple[float, float] = (0.5, 0.999),
    judge_rate: float = 1e-4,
) -> Tensors:
    """Three steps. `losses` yields (name, weight, value): first the discriminator's, then the generator's."""
    networks = {"generator": generator, "discriminator": judge}
    for role, (_, net) in networks.items():
        start(net, f"{name}.{role}")
    before = {role: {k: p.detach().clone() for k, p in net.named_parameters()} for role, (_, net) in networks.items()}
    g, d = (
        torch.optim.Adam(net.parameters(), lr=rate, betas=betas)
        for (_, net), rate in zip(networks.values(), (1e-4, judge_rate))
    )
    found: dict[str, list[float]] = {}

    def improve(optimiser: torch.optim.Adam, named: list[tuple[str, float, Tensor]]) -> None:
        optimiser.zero_grad()
        sum(weight * value for _, weight, value in named).backward()
        optimiser.step()
        for key, _, value in named:
            found.setdefault(key, []).append(value.item())

    for sources, target in batches(name, side):
        make = losses(sources, target)
        if judge_last:
            improve(g, [next(make), next(make)])
            improve(d, [next(make)])
        else:
            improve(d, [next(make)])
            improve(g, list(make))
    made = {f"{name}/loss/{key}": torch.tensor(values) for key, values in found.items()}
    for role, (kind, net) in networks.items():
        for key, parameter in net.named_parameters():
            if not is_idle(kind, key):
                way = parameter.detach() - before[role][key]
                made[f"{name}/way/{role}.{key}"] = fingerprint(f"{role}.{key}", way)
    return made


def pix2pix() -> Tensors:
    g, d = Pix2PixUnet(2, WIDTH, LEVELS), PatchGAN(3, 1, WIDTH, "codebrain")

    def losses(sources: Tensor, target: Tensor) -> Iterator[tuple[str, float, Tensor]]:
        x, y = 2 * sources - 1, 2 * target - 1
        fake = g(x)
        made, real = d(torch.cat([x, fake.detach()], 1)), d(torch.cat([x, y], 1))
        yield "discriminator", 1, (squares(made, 0) + squares(real, 1)) / 2
        yield "l1", 100, (fake - y).abs().mean()
        yield "adversarial", 1, squares(d(torch.cat([x, fake], 1)), 1)

    return framework("pix2pix", ("pix2pix_unet", g), ("patchgan", d), losses)


def pgan() -> Tensors:
    g, d, vgg = ResNet9(2, WIDTH), PatchGAN(3, 1, WIDTH, "isola"), VGG16()
    start(vgg, "vgg16")

    def losses(sources: Tensor, target: Tensor) -> Iterator[tuple[str, float, Tensor]]:
        x, y = 2 * sources - 1, 2 * target - 1
        fake = g(x)
        made, real = d(torch.cat([x, fake.detach()], 1)), d(torch.cat([x, y], 1))
        yield "discriminator", 1, (squares(made, 0) + squares(real, 1)) / 2
        yield "l1", 100, (fake - y).abs().mean()
        yield "perceptual", 100, (vgg(fake.expand(-1, 3, -1, -1)) - vgg(y.expand(-1, 3, -1, -1))).abs().mean()
        yield "adversarial", 1, squares(d(torch.cat([x, fake], 1)), 1)

    return framework("pgan", ("resnet9", g), ("patchgan", d), losses)


def mmgan() -> Tensors:
    g, d = MMGANUnet(3, WIDTH, LEVELS), PatchGAN(6, 3, WIDTH, "codebrain")
    available = torch.tensor([1.0, 1.0, 0.0]).reshape(1, 3, 1, 1)

    def losses(sources: Tensor, target: Tensor) -> Iterator[tuple[str, float, Tensor]]:
        real = torch.cat([sources, target], 1)
        fake = g(torch.cat([sources, torch.zeros_like(target)], 1))[:, 2:]
        imputed = torch.cat([sources, fake], 1)
        yield "l1", 0.9, (fake - target).abs().mean()
        yield "adversarial", 0.1, squares(d(torch.cat([imputed, real], 1)), 1)
        made = d(torch.cat([imputed.detach(), real], 1))
        yield "discriminator", 1, (squares(made, available) + squares(d(torch.cat([real, real], 1)), 1)) / 2

    return framework("mmgan", ("mmgan_unet", g), ("patchgan", d), losses, judge_last=True)


def gradient_difference(a: Tensor, b: Tensor) -> Tensor:
    def steps(x: Tensor, margins: tuple[int, int, int, int], axis: int) -> Tensor:
        return F.pad(x, margins).diff(dim=axis).abs()

    rows, columns = ((0, 0, 1, 1), 2), ((1, 1, 0, 0), 3)
    return sum(((steps(a, *way) - steps(b, *way)) ** 2).sum() for way in (rows, columns)) / a.numel()


def medsynth() -> Tensors:
    g, d = MedSynthUnet(2, WIDTH, 1), MedSynthDiscriminator()

    def losses(sources: Tensor, target: Tensor) -> Iterator[tuple[str, float, Tensor]]:
        def says(image: Tensor, label: float) -> Tensor:
            logits = d(image)
            return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

        fake = g(sources)
        yield "discriminator", 1, says(target, 1) + says(fake.detach(), 0)
        yield "l1", 1, (fake - target).abs().mean()
        yield "gradient", 0.05, gradient_difference(fake, target)
        yield "adversarial", 0.05, says(fake, 1)

    parts = ("medsynth_unet", g), ("medsynth_discriminator", d)
    return framework("medsynth", *parts, losses, side=64, betas=(0.9, 0.999), judge_rate=2e-5)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    tensors = (
        network("pix2pix_unet", Pix2PixUnet(2, WIDTH, LEVELS), 2, 2, 48, 32)
        | network("resnet9", ResNet9(2, WIDTH), 2, 2, 24, 20)
        | network("mmgan_unet", MMGANUnet(3, WIDTH, LEVELS), 2, 3, 48, 32)
        | network("medsynth_unet", MedSynthUnet(2, WIDTH, 1), 2, 2, 48, 32)
        | network("medsynth_discriminator", MedSynthDiscriminator(), 2, 1, 64, 64)
        | network("vgg16", VGG16(), 1, 3, 16, 12)
        | pix2pix()
        | pgan()
        | mmgan()
        | medsynth()
    )
    about = "Fingerprints (product with known numbers, norm) of networks and training steps; width 4, 4 levels"
    save(folder / "frameworks.safetensors", tensors, about)


if __name__ == "__main__":
    main()
