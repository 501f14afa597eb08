#!/usr/bin/env python3
"""Writes the golden bias fields: SimpleITK's N4 with its own settings.

    python3 Support/golden/bias_field.py Tests/ImagingTests/Golden

Needs numpy and SimpleITK. Heads are recomputed in Swift from their seed by the same few operations, so that only the
logarithm of the field is kept, at every sixth voxel of each axis that is tissue.
"""
import sys
from pathlib import Path

import numpy as np
import SimpleITK
from splitmix import SplitMix64

SIZE = (40, 48, 34)
SPACING = (4.0, 4.0, 4.5)
FLOOR = 0.15


def head(seed):
    """Voxels of [z, y, x]: two tissues in balls, fluid, skull and scalp, noise, under a field; only +, -, * and comparisons."""
    random = SplitMix64(seed)
    slope = [random.uniform() - 0.5 for _ in range(3)]
    bend = [random.uniform() - 0.5 for _ in range(3)]
    balls = [[1.4 * random.uniform() - 0.7 for _ in range(3)] + [0.02 + 0.05 * random.uniform()] for _ in range(40)]
    voxels = np.zeros(SIZE[::-1], np.float32)
    for z, y, x in np.ndindex(*voxels.shape):
        place = [(2.0 * i + 1 - n) * (1.0 / n) for i, n in zip((x, y, z), SIZE)]
        radius = place[0] * place[0] * 1.5 + place[1] * place[1] * 1.25 + place[2] * place[2] * 1.1
        noise = random.uniform() + random.uniform() - 1
        tissue = 0.02
        if radius < 0.7:
            tissue = 0.7
            for ball in balls:
                apart = [place[axis] - ball[axis] for axis in range(3)]
                if apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2] < ball[3]:
                    tissue = 0.5
            if place[0] * place[0] + place[1] * place[1] * 0.5 + place[2] * place[2] < 0.03:
                tissue = 0.25
        elif 0.8 < radius < 0.95:
            tissue = 0.85
        field = 1.0
        for axis in range(3):
            field = field + slope[axis] * place[axis] + bend[axis] * place[axis] * place[axis]
        voxels[z, y, x] = np.floor((tissue + 0.06 * noise) * field * 4096) * (1.0 / 4096)
    return voxels


def field(seed):
    """Standard deviation of the logarithm over the tissue, then the logarithms less their mean over those that are kept."""
    voxels = head(seed)
    mask = voxels > FLOOR
    image, region = SimpleITK.GetImageFromArray(voxels), SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    for each in (image, region):
        each.SetSpacing(SPACING)
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetNumberOfThreads(1)
    n4.Execute(image, region)
    logs = SimpleITK.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).astype(float)
    kept = logs[::6, ::6, ::6][mask[::6, ::6, ::6]]
    return [logs[mask].std()] + list(kept - kept.mean())


def main():
    rows = [f"  {seed} " + " ".join(f"{value:.5f}" for value in field(seed)) + "\n" for seed in range(3)]
    note = "Seed, then the deviation of the logarithm of the field that N4 finds in the head that it makes, then the logarithms."
    (Path(sys.argv[1]) / "GoldenBiasFields.swift").write_text(
        f'// Written by Support/golden/bias_field.py; not by hand.\n\n/// {note}\nlet goldenBiasFields = """\n'
        + "".join(rows) + '  """\n')


main()
