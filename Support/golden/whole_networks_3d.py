"""Writes Tests/Golden/whole_networks_3d.safetensors: every network that has a 3-D form as users run it, as marks.

As whole_networks.py, which says what the keys are, on volumes whose three sides differ. Width 16, where AGI-Net and
its backbone have 32 too, the discriminators 32 and MedSynth's its own.

    python Support/golden/whole_networks_3d.py [FOLDER]       # default: Tests/Golden of this checkout

`counts/<network>` is the number of parameters at full width, of each 2-D kernel with one axis more; with a width behind
the name, at that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from generators import (
    MedSynthDiscriminator, MedSynthUnet, MMGANUnet, PatchGAN, Pix2PixUnet, ResNet9, SegmentationUnet,
)
from golden import save
from known import Tensors
from whole_networks import GROUPS, ROOT, ResUnet, network as network_of

WIDTH, LEVELS = 16, 4
SPACE, JUDGED = (16, 32, 48), 48

network = partial(network_of, inputs=2)


def count(name: str, make: Callable[[], nn.Module]) -> Tensors:
    with torch.device("meta"):
        parameters = make().parameters()
    return {f"counts/{name}": torch.tensor(float(sum(p.numel() for p in parameters)))}


def counts() -> Tensors:
    found = (
        count("pix2pix_unet", lambda: Pix2PixUnet(2, 64, 8, 3))
        | count("resnet9", lambda: ResNet9(2, 64, 3))
        | count("mmgan_unet", lambda: MMGANUnet(3, 64, 8, 3))
        | count("medsynth_unet", lambda: MedSynthUnet(2, 64, 1, 3))
        | count("segmentation_unet", lambda: SegmentationUnet(4, 3, 32, 5, 3))
        | count("patchgan_isola", lambda: PatchGAN(3, 1, 64, "isola", 3))
        | count("patchgan_codebrain", lambda: PatchGAN(3, 1, 64, "codebrain", 3))
        | count("patchgan_mmgan", lambda: PatchGAN(6, 3, 64, "codebrain", 3))
        | count("medsynth_discriminator", lambda: MedSynthDiscriminator(64, 3))
    )
    for width in (64, 32, 16):
        found |= count(f"resunet {width}", lambda: ResUnet(3, width=width, dimensions=3))
        found |= count(f"agi-net {width}", lambda: ResUnet(3, width=width, groups=GROUPS, dimensions=3))
    return found


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    backbone = partial(ResUnet, 2, width=WIDTH, dimensions=3)
    wide = partial(ResUnet, 2, width=32, dimensions=3)
    tensors = (
        counts()
        | network("resunet", wide(), space=(16, 8, 24))
        | network("agi-net", wide(groups=GROUPS), space=(16, 8, 24))
        | network("rolling-resunet", backbone(groups=GROUPS, attention=False), space=(16, 8, 24))
        | network("attention-resunet", backbone(groups=GROUPS, rolling=False), space=(16, 8, 24))
        | network("agi-net-16", backbone(groups=GROUPS), space=SPACE)
        | network("pix2pix_unet", Pix2PixUnet(2, WIDTH, LEVELS, 3), space=SPACE)
        | network("resnet9", ResNet9(2, WIDTH, 3), space=(16, 20, 24))
        | network("mmgan_unet", MMGANUnet(3, WIDTH, LEVELS, 3), 3, space=SPACE)
        | network("medsynth_unet", MedSynthUnet(2, WIDTH, 1, 3), space=SPACE)
        | network("segmentation_unet", SegmentationUnet(4, 3, WIDTH, 5, 3), 4, space=(32, 32, 48))
        | network("patchgan_isola", PatchGAN(3, 1, 32, "isola", 3), 3, space=(24, 32, 40))
        | network("patchgan_codebrain", PatchGAN(3, 1, 32, "codebrain", 3), 3, space=(32, 48, 40))
        | network("patchgan_mmgan", PatchGAN(6, 3, 32, "codebrain", 3), 6, space=(32, 48, 40))
        | network("medsynth_discriminator", MedSynthDiscriminator(JUDGED, 3), 1, space=(JUDGED,) * 3)
    )
    tensors = {
        key: value.double() if key.endswith(("/names", "/salt")) or key.startswith("counts/") else value.float()
        for key, value in tensors.items()
    }
    save(folder / "whole_networks_3d.safetensors", tensors, f"Marks of outputs and gradients of 3-D networks, width {WIDTH}")


if __name__ == "__main__":
    main()
