"""Writes Tests/Golden/independent_networks.safetensors: networks of ours as other people's published code computes them.

The other scripts here were written from the same reading of the papers as the Swift side. This one takes whole networks, or the
blocks and the way of putting them together, from torchvision, MONAI, diffusers and NVIDIA's pix2pixHD, and gives them
known parameters (known.py) under our names.

    python Support/golden/independent_networks.py [FOLDER]       # default: Tests/Golden of this checkout

Keys are those of whole_networks.py; names that end in `_3d` are of volumes, as whole_networks_3d.py has them. What coincides:

- VGG16: torchvision's `features` up to relu2_2.
- pix2pix's discriminator: MONAI's PatchDiscriminator with instance norm, biases, and a last kernel of 4. (Its multi-scale one
  has a last kernel of 1 and other depths: ours has no twin.) The other variant is its first four layers where it has one
  more, which halve; the border at the top left and the last layer are written out here, for MONAI has none such.
- ResUnet: MONAI's ResidualUnit without norm and biases, its Convolution and, for the additive skips, SkipConnection. MONAI's
  UNet itself puts strides and norms into the units, and concatenates.
- The U-Nets of DDPM and improved DDPM: diffusers' UNet2DModel. Its heads are counted by their depth, so that levels which attend
  are equally wide here; its queries, keys and values are three matrices, ours lie head by head in one.
- The U-Net that segments: MONAI's DynUNet without deep supervision and residual blocks.
- pGAN's ResNet: pix2pixHD's GlobalGenerator with two halvings and nine blocks. (Its discriminator pads by 2: another network.)

Not found as code that can be installed: pix2pix's U-Net, mmGAN, MedSynth, SelfRDB, CAGR.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
from diffusers import UNet2DModel
from golden import save
from known import Tensors, differentiate, image, started
from monai.networks.blocks import Convolution, ResidualUnit
from monai.networks.layers import SkipConnection
from monai.networks.nets import DynUNet, PatchDiscriminator
from pix2pixhd.models.networks import GlobalGenerator
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torchvision.models import vgg16

ROOT = Path(__file__).resolve().parents[2]
WIDTH, SIDE, BATCH = 32, 64, 2
SUFFIX = {2: "", 3: "_3d"}
Shapes = dict[str, tuple[int, ...]]


def network(
    name: str, net: nn.Module, shapes: Shapes, convert: Callable[[Tensors], Tensors], channels: int, *more: Tensor,
    finish: Callable[[Tensor, Tensors], Tensor] = lambda x, named: x, twice: bool = False,
    space: tuple[int, ...] = (SIDE, SIDE),
) -> Tensors:
    """
    - shapes: of our parameters.
    - convert: ours to theirs.
    - finish: what comes after the network.
    """
    named = {key: started(f"{name}.{key}", *shape).requires_grad_() for key, shape in shapes.items()}
    theirs = convert(named)
    assert set(theirs) == {key for key, _ in net.named_parameters()}
    x = image(f"{name}.input0", BATCH, channels, *space).requires_grad_()
    output = finish(functional_call(net, theirs, (x, *more)), named)
    return differentiate(name, named, x, output, twice) | {f"{name}/salt": torch.tensor([0.0])}


def renamed(net: nn.Module, names: dict[str, str]) -> tuple[Shapes, Callable[[Tensors], Tensors]]:
    """For parameters that differ in name alone; `names` are those of layers, theirs to ours."""
    ours = {}
    for key, parameter in net.named_parameters():
        layer, last = key.rsplit(".", 1)
        ours[key] = (f"{names[layer]}.{last}", tuple(parameter.shape))
    return dict(ours.values()), lambda named: {key: named[name] for key, (name, _) in ours.items()}


# torchvision


def perceptual() -> Tensors:
    with torch.device("meta"):
        features = vgg16().features[:9]
    net = features.to_empty(device="cpu")
    return network("vgg16", net, *renamed(net, {place: f"features.{place}" for place in "0257"}), 3)


# MONAI


class Last(nn.Module):
    """PatchDiscriminator returns all its maps."""

    def forward(self, maps: list[Tensor]) -> Tensor:
        return maps[-1]


def patches(layers: int, dimensions: int = 2) -> nn.Module:
    return PatchDiscriminator(dimensions, WIDTH, 3, num_layers_d=layers, norm="INSTANCE", bias=True, last_conv_kernel_size=4)


def isola(dimensions: int = 2) -> Tensors:
    net = nn.Sequential(patches(3, dimensions), Last())
    names = ("initial_conv", "0", "1", "2", "final_conv")
    names = {f"0.{name}.conv": f"conv{place}" for place, name in enumerate(names, start=1)}
    name, space = f"patchgan_isola{SUFFIX[dimensions]}", {2: (SIDE, SIDE), 3: (24, 32, 40)}[dimensions]
    return network(name, net, *renamed(net, names), 3, twice=dimensions == 2, space=space)


def codebrain() -> Tensors:
    net = nn.Sequential(*list(patches(4).children())[:4])
    shapes, convert = renamed(net, {f"{place}.conv": f"conv{place + 1}" for place in range(4)})
    shapes["conv5.weight"] = (1, 8 * WIDTH, 4, 4)

    def last(x: Tensor, named: Tensors) -> Tensor:
        return F.conv2d(F.pad(x, (1, 0, 1, 0)), named["conv5.weight"], padding=1)

    return network("patchgan_codebrain", net, shapes, convert, 3, finish=last, twice=True)


def resunet(dimensions: int = 2) -> Tensors:
    ours: dict[nn.Module, str] = {}

    def convolution(name: str, inputs: int, outputs: int, **more: object) -> Convolution:
        layer = Convolution(dimensions, inputs, outputs, bias=False, conv_only=True, **more)
        ours[layer.conv] = name
        return layer

    def blocks(stage: str, width: int) -> nn.Module:
        units = [
            ResidualUnit(dimensions, width, width, subunits=2, act="RELU", norm=None, bias=False, last_conv_only=True)
            for _ in range(2)
        ]
        for place, unit in enumerate(units, start=1):
            ours[unit.conv.unit0.conv], ours[unit.conv.unit1.conv] = (f"{stage}.block{place}.{x}" for x in ("first", "second"))
        return nn.Sequential(*units)

    def level(depth: int) -> nn.Module:
        """A map, and what the deeper levels add to it."""
        width, down, up = WIDTH * 2**depth, f"down{depth + 1}", f"up{3 - depth}"
        if depth == 3:
            return SkipConnection(blocks("body", width), mode="add")
        halves = dict(strides=2, kernel_size=2, padding=0)
        return SkipConnection(
            nn.Sequential(
                blocks(down, width), convolution(f"{down}.sample", width, 2 * width, **halves), level(depth + 1),
                convolution(f"{up}.sample", 2 * width, width, is_transposed=True, output_padding=0, **halves),
                blocks(up, width),
            ), mode="add",
        )

    net = nn.Sequential(convolution("head", 2, WIDTH), level(0), convolution("tail", WIDTH, 1))
    names = {name: ours[module] for name, module in net.named_modules() if module in ours}
    name, space = f"resunet{SUFFIX[dimensions]}", {2: (SIDE, SIDE), 3: (16, 8, 24)}[dimensions]
    return network(name, net, *renamed(net, names), 2, twice=dimensions == 2, space=space)


def segmentation(inputs: int, width: int, *space: int) -> Tensors:
    dimensions, levels = len(space), 5
    net = DynUNet(
        dimensions, inputs, 3, kernel_size=[3] * levels, strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1), filters=[width * 2**level for level in range(levels)],
        norm_name=("INSTANCE", {"affine": True}),
    )
    names = {"output_block.conv.conv": "tail"}
    places = {"input_block": "down1", "bottleneck": f"down{levels}"}
    for step in range(levels - 1):
        places |= {f"downsamples.{step}": f"down{step + 2}", f"upsamples.{step}.conv_block": f"up{step + 1}"}
        names[f"upsamples.{step}.transp_conv.conv"] = f"up{step + 1}.sample"
    for theirs, ours in places.items():
        for number, layer in ((1, "first"), (2, "second")):
            names |= {f"{theirs}.conv{number}.conv": f"{ours}.{layer}", f"{theirs}.norm{number}": f"{ours}.{layer}.norm"}
    return network(f"segmentation_unet{SUFFIX[dimensions]}", net, *renamed(net, names), inputs, space=space)


# diffusers

LAYERS = {
    "conv_in": "head", "conv_out": "tail.conv", "conv_norm_out": "tail.norm", "conv1": "first", "conv2": "second",
    "time_emb_proj": "time", "conv_shortcut": "skip", "group_norm": "norm", "linear_1": "first", "linear_2": "second",
    "time_embedding": "time", "mid_block": "body",
}


def layer_of(name: str) -> str:
    """`down_blocks.0.attentions.1.to_out.0` is `down1.attention2.out`."""
    words, ours = name.split("."), []
    while words:
        match words:
            case ["mid_block", "attentions", _, *rest]: ours += ["body", "attention"]
            case ["down_blocks" | "up_blocks" as kind, place, *rest]: ours.append(f"{kind.split('_')[0]}{int(place) + 1}")
            case ["resnets" | "attentions" as kind, place, *rest]:
                ours.append(f"{'block' if kind == 'resnets' else 'attention'}{int(place) + 1}")
            case ["downsamplers" | "upsamplers", "0", "conv"]: ours, rest = ours + ["sample"], []
            case ["to_out", "0"]: ours, rest = ours + ["out"], []
            case ["to_q" | "to_k" | "to_v"]: ours, rest = ours + ["qkv"], []
            case [word, *rest]: ours.append(LAYERS.get(word, word))
        words = rest
    return ".".join(ours)


class Embedded(nn.Module):
    """The times' sinusoids, which diffusers computes in single precision, by its own function in double."""

    def __init__(self, sinusoids: nn.Module) -> None:
        super().__init__()
        self.sinusoids = sinusoids

    def forward(self, times: Tensor) -> Tensor:
        with mock.patch("torch.float32", torch.float64), mock.patch.object(Tensor, "float", Tensor.double):
            return self.sinusoids(times)


def denoiser(name: str, attending: list[int], heads: int, outputs: int, shift: str) -> Tensors:
    widths = [WIDTH * factor for factor in (1, 1, 2, 2, 4, 4)]
    kinds = ["Attn" if level in attending else "" for level in range(len(widths))]
    net = UNet2DModel(
        in_channels=3, out_channels=outputs, block_out_channels=widths, layers_per_block=2,
        down_block_types=[f"{kind}DownBlock2D" for kind in kinds],
        up_block_types=[f"{kind}UpBlock2D" for kind in reversed(kinds)],
        attention_head_dim=widths[-1] // heads, resnet_time_scale_shift=shift, attn_norm_num_groups=32,
    )
    net.time_proj = Embedded(net.time_proj)
    shapes: Shapes = {}
    for key, parameter in net.named_parameters():
        layer, last = key.rsplit(".", 1)
        shape = tuple(parameter.shape)
        if layer_of(layer).endswith((".qkv", ".out")):
            rows = shape[0] * (3 if layer_of(layer).endswith(".qkv") else 1)
            shape = (rows, *shape[1:], 1, 1) if last == "weight" else (rows,)
        shapes[f"{layer_of(layer)}.{last}"] = shape

    def convert(named: Tensors) -> Tensors:
        theirs = {}
        for key, parameter in net.named_parameters():
            layer, last = key.rsplit(".", 1)
            value = named[f"{layer_of(layer)}.{last}"]
            if layer_of(layer).endswith(".qkv"):
                part = "qkv".index(layer[-1])
                value = value.reshape(heads, 3, -1)[:, part]
            theirs[key] = value.reshape(parameter.shape)
        return theirs

    return network(
        name, net, shapes, convert, 3, torch.tensor([13, 421.5]), finish=lambda answer, _: answer.sample)


# pix2pixHD


def resnet9() -> Tensors:
    net = GlobalGenerator(2, 1, WIDTH, n_downsampling=2, n_blocks=9, norm_layer=nn.InstanceNorm2d)
    names = {"1": "head", "4": "down1", "7": "down2", "19": "up1", "22": "up2", "26": "tail"}
    for place in range(9):
        names |= {f"{10 + place}.conv_block.{i}": f"block{place + 1}.{x}" for i, x in ((1, "first"), (5, "second"))}
    return network("resnet9", net, *renamed(net, {f"model.{key}": name for key, name in names.items()}), 2)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    tensors = (
        perceptual()
        | isola()
        | codebrain()
        | resunet()
        | segmentation(2, WIDTH, SIDE, SIDE)
        | denoiser("ddpm_unet", [4], 1, 1, "default")
        | denoiser("iddpm_unet", [4, 5], 4, 2, "scale_shift")
        | resnet9()
        | isola(3)
        | resunet(3)
        | segmentation(4, 16, 32, 32, 48)
    )
    about = f"Marks of outputs and gradients of networks of torchvision, MONAI, diffusers and pix2pixHD, width {WIDTH}"
    save(folder / "independent_networks.safetensors", tensors, about)


if __name__ == "__main__":
    main()
