"""The published networks of pix2pix, pGAN, mmGAN and MedSynth, and the U-Net that segments, in plain PyTorch, without
dropout.

Written from the architectures' descriptions; parameters are named as in our checkpoints. `dimensions` is 2 for images and
3 for volumes, whose kernels have one axis more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
DOUBLING = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) if x.dim() == 4 else F.max_pool3d(x, 2)


def near_margin(x: Tensor) -> Tensor:
    """One row, column and plane of zeros more at the near ends: an even kernel cannot be centred."""
    return F.pad(x, (1, 0) * (x.dim() - 2))


def norm(x: Tensor) -> Tensor:
    return F.instance_norm(x, eps=1e-5)


class PatchGAN(nn.Module):
    """Isola's 70 x 70 patches, or those of PyTorch-GAN and CodeBrain with one halving more."""

    def __init__(self, channels: int, outputs: int, width: int, kind: str, dimensions: int = 2) -> None:
        super().__init__()
        self.padded = kind == "codebrain"
        widths = [channels, width, 2 * width, 4 * width, 8 * width]
        for i in range(4):
            stride = 2 if i < 3 or self.padded else 1
            setattr(self, f"conv{i + 1}", CONV[dimensions](widths[i], widths[i + 1], 4, stride, 1))
        self.conv5 = CONV[dimensions](8 * width, outputs, 4, 1, 1, bias=not self.padded)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv1(x), 0.2)
        for layer in (self.conv2, self.conv3, self.conv4):
            x = F.leaky_relu(norm(layer(x)), 0.2)
        return self.conv5(near_margin(x) if self.padded else x)


class ResNet9(nn.Module):
    def __init__(self, sources: int, width: int, dimensions: int = 2) -> None:
        super().__init__()
        conv, doubling = CONV[dimensions], DOUBLING[dimensions]
        self.head = conv(sources, width, 7)
        self.down1 = conv(width, 2 * width, 3, 2, 1)
        self.down2 = conv(2 * width, 4 * width, 3, 2, 1)
        for i in range(1, 10):
            block = nn.Module()
            block.first, block.second = (conv(4 * width, 4 * width, 3) for _ in range(2))
            setattr(self, f"block{i}", block)
        self.up1 = doubling(4 * width, 2 * width, 3, 2, 1, 1)
        self.up2 = doubling(2 * width, width, 3, 2, 1, 1)
        self.tail = conv(width, 1, 7)

    def forward(self, x: Tensor) -> Tensor:
        def reflect(x: Tensor, margin: int) -> Tensor:
            return F.pad(x, (margin,) * 2 * (x.dim() - 2), mode="reflect")

        x = F.relu(norm(self.head(reflect(x, 3))))
        for layer in (self.down1, self.down2):
            x = F.relu(norm(layer(x)))
        for i in range(1, 10):
            block = getattr(self, f"block{i}")
            inner = F.relu(norm(block.first(reflect(x, 1))))
            x = x + norm(block.second(reflect(inner, 1)))
        for layer in (self.up1, self.up2):
            x = F.relu(norm(layer(x)))
        return torch.tanh(self.tail(reflect(x, 3)))


def stage(**layers: nn.Module) -> nn.Module:
    module = nn.Module()
    for name, layer in layers.items():
        setattr(module, name, layer)
    return module


class Pix2PixUnet(nn.Module):
    def __init__(self, sources: int, width: int, levels: int, dimensions: int = 2) -> None:
        super().__init__()
        conv, doubling, batch_norm = CONV[dimensions], DOUBLING[dimensions], BATCH_NORM[dimensions]
        self.levels = levels
        c = [sources] + [width * 2 ** min(i, 3) for i in range(levels)]
        for i in range(1, levels + 1):
            down = stage(conv=conv(c[i - 1], c[i], 4, 2, 1, bias=False))
            if 1 < i < levels:
                down.norm = batch_norm(c[i])
            setattr(self, f"down{i}", down)
        for i in range(levels, 0, -1):  # from level i to the one above
            out = c[i - 1] if i > 1 else 1
            inputs = c[i] if i == levels else 2 * c[i]
            up = stage(conv=doubling(inputs, out, 4, 2, 1, bias=i == 1))
            if i > 1:
                up.norm = batch_norm(out)
            setattr(self, f"up{levels + 1 - i}", up)

    def level(self, x: Tensor, i: int) -> Tensor:
        """What level i adds to the skip that it was given."""
        down, up = getattr(self, f"down{i}"), getattr(self, f"up{self.levels + 1 - i}")
        inner = down.conv(x if i == 1 else F.leaky_relu(x, 0.2))
        inner = down.norm(inner) if hasattr(down, "norm") else inner
        if i < self.levels:
            inner = torch.cat([inner, self.level(inner, i + 1)], 1)
        out = up.conv(F.relu(inner))
        return up.norm(out) if hasattr(up, "norm") else out

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.level(x, 1))


class MMGANUnet(nn.Module):
    def __init__(self, modalities: int, width: int, levels: int, dimensions: int = 2) -> None:
        super().__init__()
        conv, doubling = CONV[dimensions], DOUBLING[dimensions]
        self.levels = levels
        c = [modalities] + [width * 2 ** min(i, 3) for i in range(levels)]
        for i in range(1, levels + 1):
            setattr(self, f"down{i}", stage(conv=conv(c[i - 1], c[i], 4, 2, 1, bias=False)))
        for step in range(1, levels):
            i = levels + 1 - step
            inputs = c[i] if step == 1 else 2 * c[i]
            setattr(self, f"up{step}", stage(conv=doubling(inputs, c[i - 1], 4, 2, 1, bias=False)))
        self.tail = conv(2 * width, modalities, 4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for i in range(1, self.levels + 1):
            x = getattr(self, f"down{i}").conv(x)
            x = F.leaky_relu(norm(x) if 1 < i < self.levels else x, 0.2)
            maps.append(x)
        maps.pop()
        for step in range(1, self.levels):
            x = F.relu(norm(getattr(self, f"up{step}").conv(x)))
            x = torch.cat([x, maps.pop()], 1)
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return F.relu(self.tail(near_margin(x)))


def normed(layer: nn.Module, norm: nn.Module) -> nn.Module:
    """The layer with a batch norm, as its part, and ReLU behind it."""
    layer.norm = norm
    layer.register_forward_hook(lambda layer, _, x: F.relu(layer.norm(x)))
    return layer


class MedSynthUnet(nn.Module):
    """`skip` is the source that is added to the output."""

    def __init__(self, sources: int, width: int, skip: int, dimensions: int = 2) -> None:
        super().__init__()
        self.skip = skip
        c = [width * 2**i for i in range(5)]

        def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Module:
            layer = CONV[dimensions](inputs, outputs, kernel, padding=kernel // 2)
            return normed(layer, BATCH_NORM[dimensions](outputs))

        def unit(inputs: int, outputs: int) -> nn.Module:
            return stage(first=conv(inputs, outputs), second=conv(outputs, outputs), shortcut=conv(inputs, outputs, 1))

        self.input = stage(conv1=conv(sources, width), conv2=conv(width, width))
        for i in range(1, 5):
            setattr(self, f"down{i}", unit(c[i - 1], c[i]))
            deep, shallow = c[5 - i], c[4 - i]
            up = unit(2 * shallow, shallow)
            up.sample = normed(DOUBLING[dimensions](deep, shallow, 2, 2), BATCH_NORM[dimensions](shallow))
            setattr(self, f"up{i}", up)
        self.tail = CONV[dimensions](width, 1, 1)

    def forward(self, sources: Tensor) -> Tensor:
        def run(unit: nn.Module, x: Tensor) -> Tensor:
            return unit.second(unit.first(x)) + unit.shortcut(x)

        x = self.input.conv2(self.input.conv1(sources))
        skips = []
        for i in range(1, 5):
            skips.append(x)
            x = run(getattr(self, f"down{i}"), pool(x))
        for i in range(1, 5):
            up = getattr(self, f"up{i}")
            x = run(up, torch.cat([up.sample(x), skips.pop()], 1))
        return self.tail(x) + sources[:, self.skip : self.skip + 1]


class MedSynthDiscriminator(nn.Module):
    """`side` is that of the squares or cubes that it is shown."""

    def __init__(self, side: int = 64, dimensions: int = 2) -> None:
        super().__init__()
        conv = CONV[dimensions]
        self.conv1, self.conv2, self.conv3 = conv(1, 32, 9), conv(32, 64, 5), conv(64, 64, 5)
        left = (((side - 8) // 2 - 4) // 2 - 4) // 2
        self.full1, self.full2, self.full3 = nn.Linear(64 * left**dimensions, 512), nn.Linear(512, 64), nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2, self.conv3):
            x = pool(F.relu(layer(x)))
        return self.full3(F.relu(self.full2(F.relu(self.full1(x.flatten(1))))))


class SegmentationUnet(nn.Module):
    def __init__(self, inputs: int, outputs: int, width: int, levels: int, dimensions: int = 2) -> None:
        super().__init__()
        self.levels = levels
        conv = CONV[dimensions]
        c = [width * 2**i for i in range(levels)]

        def layer(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
            layer = conv(inputs, outputs, 3, stride, 1, bias=False)
            layer.norm = nn.GroupNorm(outputs, outputs, eps=1e-5)  # of every channel by itself
            layer.register_forward_hook(lambda layer, _, x: F.leaky_relu(layer.norm(x), 0.01))
            return layer

        for i in range(levels):
            first = layer(c[i - 1], c[i], 2) if i else layer(inputs, width)
            setattr(self, f"down{i + 1}", stage(first=first, second=layer(c[i], c[i])))
        for i in range(levels - 1, 0, -1):
            sample = DOUBLING[dimensions](c[i], c[i - 1], 2, 2, bias=False)
            up = stage(sample=sample, first=layer(c[i], c[i - 1]), second=layer(c[i - 1], c[i - 1]))
            setattr(self, f"up{levels - i}", up)
        self.tail = conv(width, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for i in range(1, self.levels + 1):
            down = getattr(self, f"down{i}")
            x = down.second(down.first(x))
            maps.append(x)
        x = maps.pop()
        for i in range(1, self.levels):
            up = getattr(self, f"up{i}")
            x = up.second(up.first(torch.cat([up.sample(x), maps.pop()], 1)))
        return self.tail(x)


class VGG16(nn.Module):
    """The first four convolutions, named as in torchvision."""

    def __init__(self) -> None:
        super().__init__()
        shapes = {"0": (3, 64), "2": (64, 64), "5": (64, 128), "7": (128, 128)}
        self.features = nn.ModuleDict({name: nn.Conv2d(*shape, 3, padding=1) for name, shape in shapes.items()})

    def forward(self, x: Tensor) -> Tensor:
        for name, layer in self.features.items():
            x = F.relu(layer(F.max_pool2d(x, 2) if name == "5" else x))
        return x
