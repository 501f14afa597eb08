"""Writes the golden files under Tests/Golden that the Swift layers, networks and pix2pix are checked against.

Everything is computed in double precision by the PyTorch peer (Benchmarks/peer/agi_net.py), whose
equations are those of the paper. Inputs and parameters are first rounded to the precision in which
they are stored, so that a reader starts from the same numbers. Two runs write the same bytes.

    python Support/golden/agi_net.py [FOLDER]       # default: Tests/Golden of this checkout

Keys: `input`, `target` or `probe` (the loss is sum(output * probe) or mean |output - target|),
`output`, `parameter/<name>`, `gradient/<name>`, `gradient/input`; several cases in one file are
prefixed `<case>/`. Gradients that are zero by the mathematics (a bias before an instance norm) are
stored as exact zeros.
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

from agi_net import CAGR, PatchGAN, Pix2Pix, ResUnet, float_roll  # noqa: E402
from golden import Tensors, save, single, stored, under, unit  # noqa: E402
from known import differentiate, known, start  # noqa: E402


def parameters(module: nn.Module) -> Tensors:
    return {f"parameter/{name}": p.detach().clone() for name, p in module.named_parameters()}


def gradients(module: nn.Module) -> Tensors:
    return {f"gradient/{name}": p.grad.clone() for name, p in module.named_parameters()}


def stir(network: nn.Module, offsets: float = 0) -> None:
    """Moves every CAGR module away from its start, so that no path is idle, and rounds all to single.

    PyTorch's default start shrinks a signal by sqrt(3) a convolution: that is given back, lest the deepest
    stages' gradients drown in rounding.
    """
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 2:
                parameter.mul_(3**0.5)
        for module in network.modules():
            if isinstance(module, CAGR):
                routing = module.routing
                routing.offset.weight.normal_(std=offsets)
                routing.scale.weight.normal_(std=1)
                routing.scale.bias.add_(torch.randn_like(routing.scale.bias), alpha=0.3)
                routing.norm.weight.add_(torch.randn_like(routing.norm.weight), alpha=0.2)
                routing.norm.bias.normal_(std=0.2)
        for parameter in network.parameters():
            parameter.copy_(parameter.float())


def watch_offsets(network: nn.Module) -> list[Tensor]:
    """Collects the offsets of every forward pass: near a whole number their gradient is not to be compared."""
    seen: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, CAGR):
            module.routing.register_forward_hook(lambda _m, _x, out: seen.append(out[0].detach()))
    return seen


def check_offsets(seen: list[Tensor]) -> str:
    if not seen:
        return ""
    offsets = torch.cat([o.flatten() for o in seen])
    distance = (offsets - offsets.round()).abs().min()
    assert distance > 1e-4, f"an offset lies {distance} from a whole number"
    return f"; offsets {offsets.min():.2f} to {offsets.max():.2f}, {distance:.1e} from whole numbers"


def cagr(dimensions: int, channels: int, shape: tuple[int, ...]) -> tuple[Tensors, str]:
    module = CAGR(channels, 4, dimensions)
    stir(module, offsets=2.5 if dimensions == 2 else 4)
    seen = watch_offsets(module)
    x = single(*shape).requires_grad_()
    probe = single(shape[0], channels, *shape[2:])
    output = module(x)
    (output * probe).sum().backward()
    with torch.no_grad():
        gate = module.gate(x)
        offsets, scales = module.routing(x * gate[(...,) + (None,) * dimensions])
        kernel = module.kernels(offsets, scales)
    assert dimensions == 3 or (offsets.max() > 3 and offsets.min() < -1), offsets
    tensors = {
        "input": x.detach(),
        "probe": probe,
        "output": output,
        "gate": gate,
        "offsets": offsets.flatten(1),
        "lambda": scales,
        "kernel": kernel,
        "gradient/input": x.grad,
    }
    about = f"CAGR, {dimensions}-D, {channels} channels, n = 4; kernel has lambda in it but not the gate"
    return tensors | parameters(module) | gradients(module), about + check_offsets(seen)


def wide_cagr() -> tuple[Tensors, str]:
    tensors: Tensors = {}
    seen: list[Tensor] = []
    for channels, shape in ((32, (2, 9, 12, 16)), (64, (1, 8, 12, 17))):
        name = f"cagr_3d.{channels}"
        module = CAGR(channels, 8, 3)
        start(module, name)
        found = watch_offsets(module)
        x = known(f"{name}.input", shape[0], channels, *shape[1:]).requires_grad_()
        tensors |= differentiate(name, dict(module.named_parameters()), x, module(x), twice=True)
        seen += found
    about = "CAGR in 3-D at widths that are used, n = 8, as marks of known numbers; keys as in whole_networks"
    return tensors, about + check_offsets(seen)


def rolls() -> Tensors:
    known = torch.arange(9.0).reshape(3, 3)
    offsets = torch.tensor([[0.25, 0], [0, 0.25], [-1.3, 2.4]])
    kernel = torch.randn(8, 2, 3, 3).requires_grad_()
    # Whole offsets too: there the gradient is that of floor and floor + 1.
    drawn = torch.cat([torch.tensor([[0.0, 0], [1, -2], [3, 0.5]]), 4 * torch.randn(5, 2)]).requires_grad_()
    probe = torch.randn(8, 2, 3, 3)
    output = float_roll(kernel, drawn[:, None].expand(8, 2, 2))
    (output * probe).sum().backward()
    return under("known", {"kernel": known, "offsets": offsets, "output": float_roll(known, offsets)}) | under(
        "random",
        {
            "kernel": kernel.detach(),
            "offsets": drawn.detach(),
            "probe": probe,
            "output": output,
            "gradient/kernel": kernel.grad,
            "gradient/offsets": drawn.grad,
        },
    )


def network(groups: int | None) -> tuple[Tensors, str]:
    net = ResUnet(2, width=4, groups=groups)
    stir(net, offsets=1)
    seen = watch_offsets(net)
    x, target = unit(2, 2, 20, 28).requires_grad_(), unit(2, 1, 20, 28)
    output = net(x)
    loss = (output - target).abs().mean()
    loss.backward()
    assert (output - target).abs().min() > 1e-5, "a pixel so near its target makes the L1 gradient ambiguous"
    tensors = {"input": x, "target": target, "output": output, "loss": loss[None], "gradient/input": x.grad}
    name = f"AGI-Net, n = {groups}" if groups else "ResUnet"
    about = f"{name}, width 4, 2 sources, padded from 20 x 28 to 24 x 32; loss mean |output - target|"
    return stored(tensors | parameters(net) | gradients(net)), about + check_offsets(seen)



def discriminator(kind: str) -> Tensors:
    net = PatchGAN(3, width=4, kind=kind)
    stir(net)
    sources, target = unit(2, 2, 48, 32), unit(2, 1, 48, 32)
    pair = torch.cat([sources, target], dim=1).requires_grad_()
    output = net(pair[:, :2], pair[:, 2:])
    probe = single(*output.shape)
    (output * probe).sum().backward()
    tensors = {"input": pair, "probe": probe, "output": output, "gradient/input": pair.grad}
    tensors |= parameters(net) | gradients(net)
    for layer in (2, 3, 4):
        tensors[f"gradient/conv{layer}.bias"].zero_()
    return stored(under(kind, tensors))


def pix2pix() -> tuple[Tensors, str]:
    generator, judge = ResUnet(2, width=4, groups=4), PatchGAN(3, width=4)
    stir(generator, offsets=1)
    stir(judge)
    seen = watch_offsets(generator)
    method = Pix2Pix(generator, judge)

    def state(when: str) -> Tensors:
        both = under("generator", generator.state_dict()) | under("discriminator", judge.state_dict())
        return {f"{when}/{name.replace('/', '.', 1)}": tensor.clone() for name, tensor in both.items()}

    tensors = state("initial")
    batches = [(unit(2, 2, 48, 48), unit(2, 1, 48, 48)) for _ in range(3)]
    losses = [method.step(sources, target) for sources, target in batches]
    tensors |= state("final")
    for step, (sources, target) in enumerate(batches, start=1):
        tensors |= {f"batch{step}/sources": sources, f"batch{step}/target": target}
    tensors = stored(tensors)
    for name in losses[0]:
        tensors[f"loss/{name}"] = torch.tensor([loss[name] for loss in losses])
    about = (
        "Three pix2pix steps (AGI-Net width 4, n = 4; padded PatchGAN width 4; least squares; 100 x L1; Adam "
        "1e-4, 0.5, 0.999, 1e-8), computed in double; loss/<name> holds each step's value. The biases "
        "of conv2, conv3 and conv4 have no gradient but rounding: compare them in double or not at all"
    )
    return tensors, about + check_offsets(seen)


def adam() -> Tensors:
    parameter = nn.Parameter(torch.randn(6))
    tensors = {"initial": parameter.detach().clone(), "gradients": torch.randn(3, 6)}
    tensors["gradients"][:, 0] = 0
    tensors["gradients"][:, 1] *= 1e-8  # as small as eps: shows where eps is added
    optimiser = torch.optim.Adam([parameter], lr=1e-2, betas=(0.5, 0.999), eps=1e-8)
    states = []
    for gradient in tensors["gradients"]:
        parameter.grad = gradient.clone()
        optimiser.step()
        states.append(parameter.detach().clone())
    moments = optimiser.state[parameter]
    return tensors | {
        "parameter": torch.stack(states),
        "first_moment": moments["exp_avg"],
        "second_moment": moments["exp_avg_sq"],
    }


def layer(compute: Callable[..., Tensor], x: Tensor, **given: Tensor) -> Tensors:
    leaves = {"input": x} | {f"parameter/{name}": value for name, value in given.items()}
    for leaf in leaves.values():
        leaf.requires_grad_()
    output = compute(x, *given.values())
    probe = torch.randn_like(output)
    (output * probe).sum().backward()
    found = {f"gradient/{name.removeprefix('parameter/')}": leaf.grad for name, leaf in leaves.items()}
    return leaves | found | {"probe": probe, "output": output}


def layers() -> Tensors:
    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape)

    def channel_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(x.movedim(1, -1), x.shape[1:2], weight, bias, 1e-5).movedim(-1, 1)

    cases = {
        "conv2d": layer(
            lambda x, w, b: F.conv2d(x, w, b, padding=1), draw(2, 3, 5, 7), weight=draw(4, 3, 3, 3), bias=draw(4)
        ),
        "conv2d_stride2": layer(lambda x, w: F.conv2d(x, w, stride=2), draw(2, 3, 6, 8), weight=draw(4, 3, 2, 2)),
        "conv2d_4x4_stride2": layer(
            lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
            draw(2, 3, 8, 6), weight=draw(4, 3, 4, 4), bias=draw(4),
        ),
        "conv2d_groups": layer(
            lambda x, w: F.conv2d(x, w, padding=1, groups=2), draw(2, 4, 5, 6), weight=draw(6, 2, 3, 3)
        ),
        "conv_transpose2d": layer(
            lambda x, w: F.conv_transpose2d(x, w, stride=2), draw(2, 4, 3, 5), weight=draw(4, 3, 2, 2)
        ),
        "conv3d": layer(
            lambda x, w, b: F.conv3d(x, w, b, padding=1), draw(1, 2, 3, 4, 5), weight=draw(3, 2, 3, 3, 3), bias=draw(3)
        ),
        "conv_transpose3d": layer(
            lambda x, w: F.conv_transpose3d(x, w, stride=2), draw(1, 3, 2, 3, 2), weight=draw(3, 2, 2, 2, 2)
        ),
        "linear": layer(F.linear, draw(3, 5), weight=draw(4, 5), bias=draw(4)),
        "channel_norm": layer(channel_norm, draw(2, 6, 3, 4), weight=draw(6), bias=draw(6)),
        "instance_norm": layer(lambda x: F.instance_norm(x, eps=1e-5), draw(2, 3, 5, 4)),
        "gelu": layer(F.gelu, 2 * draw(4, 9)),
        "leaky_relu": layer(lambda x: F.leaky_relu(x, 0.2), draw(4, 9)),
        "replicate_pad": layer(lambda x: F.pad(x, (0, 4, 0, 3), mode="replicate"), draw(1, 2, 5, 4)),
    }
    return {name: tensor for case, tensors in cases.items() for name, tensor in under(case, tensors).items()}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    def write(name: str, seed: int, make: Callable[[], Tensors | tuple[Tensors, str]], about: str = "") -> None:
        torch.manual_seed(seed)
        made = make()
        tensors, text = made if isinstance(made, tuple) else (made, about)
        save(folder / f"{name}.safetensors", tensors, text)

    write("cagr", 11, lambda: cagr(2, 16, (3, 16, 9, 7)))
    write("cagr_3d", 12, lambda: cagr(3, 8, (2, 8, 4, 5, 3)))
    write("cagr_3d_wide", 20, wide_cagr)
    write("float_roll", 13, rolls, "FloatRoll of 3 x 3 kernels; offsets are (x, y), x along the last axis")
    write("agi_net", 14, lambda: network(4))
    write("resunet", 15, lambda: network(None))
    write(
        "patchgan", 16, lambda: discriminator("canonical") | discriminator("padded"),
        "Both PatchGANs on concat(sources, target), width 4, instance norm; loss sum(output * probe)",
    )
    write("pix2pix", 17, pix2pix)
    write("adam", 18, adam, "Three Adam steps, rate 1e-2, betas 0.5 and 0.999, eps 1e-8; moments after the third")
    write("layers", 19, layers, "Single layers; loss sum(output * probe); norms with eps 1e-5")


if __name__ == "__main__":
    main()
