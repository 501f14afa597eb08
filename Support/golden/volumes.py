#!/usr/bin/env python3
"""Writes the golden values of surfaces and volumes: MONAI, torchmetrics and scikit-image, in double where they can.

    python3 Support/golden/volumes.py Tests/MetricsTests/Golden

Needs numpy, torch, monai, torchmetrics 1.9 and scikit-image. Masks and volumes are recomputed in Swift from their seed by
the same few operations, so only the scores are kept.
"""
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from skimage.metrics import structural_similarity
from splitmix import SplitMix64
from torchmetrics.functional.image import structural_similarity_index_measure

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.9375, 0.9375), (5.0, 0.5, 0.5), (1.25, 0.1, 0.7), (0.8, 1.0, 2.2)]
TOLERANCES = (1.0, 2.5)


def masks(seed):
    """Prediction, reference and spacing: an image for odd seeds, else a volume; only +, -, * and comparisons."""
    random = SplitMix64(seed)
    dimensions, kind = 3 - seed % 2, seed // 2 % 7
    limit = 48 if seed % 50 < 2 else 18
    shape = [6 + random.next() % limit for _ in range(dimensions)]
    spacing = SPACINGS[random.next() % len(SPACINGS)][:dimensions]
    balls = [[[random.uniform() for _ in range(dimensions)] + [random.uniform()] for _ in range(2)] for _ in range(2)]
    both = np.zeros([2] + shape, bool)
    for place in np.ndindex(*shape):
        noise = random.uniform()
        for side in range(2):
            inside = False
            for ball in balls[side]:
                squares = 0.0
                for axis in range(dimensions):
                    apart = place[axis] - ball[axis] * shape[axis]
                    squares += apart * apart
                reach = 1 + ball[dimensions] * shape[dimensions - 1] * 0.4
                inside = inside or squares <= reach * reach
            both[side][place] = inside
        if kind == 1:  # noise about the reference
            both[0][place] = both[1][place] != (noise < 0.02)
        elif kind == 2:  # scattered voxels
            both[0][place], both[1][place] = noise < 0.05, noise > 0.97
        elif kind == 3:  # the whole image
            both[0][place] = True
        elif kind == 4:  # equal
            both[0][place] = both[1][place]
        elif kind == 5:  # nothing predicted
            both[0][place] = False
        elif kind == 6 and seed % 3 == 0:  # nothing at all
            both[0][place] = both[1][place] = False
    return both[0], both[1], spacing


def surface(seed):
    prediction, reference, spacing = masks(seed)
    p, r = (torch.tensor(mask)[None, None].float() for mask in (prediction, reference))
    options = dict(include_background=True, spacing=list(spacing))
    distances = [compute_hausdorff_distance(p, r, percentile=share, **options).item() for share in (95, None)]
    return distances + [compute_surface_dice(p, r, [t], **options).item() for t in TOLERANCES]


def volumes(seed):
    """Prediction, target and mask; every intensity a multiple of 1/1024, which single precision holds."""
    random = SplitMix64(seed)
    kind = seed % 5
    shape = [11 + random.next() % 12 for _ in range(3)]
    if seed % 20 == 0:
        shape = [shape[0] + 20, shape[1] + 30, shape[2] + 40]
    a, b, c = random.uniform(), random.uniform(), random.uniform()
    prediction, target, mask = np.empty(shape), np.empty(shape), np.empty(shape, bool)
    for z, y, x in np.ndindex(*shape):
        u, v = random.uniform(), random.uniform()
        i, j, k = z * 0.04, y * 0.025, x * 0.025
        smooth = a + b * i - c * j + i * k - 0.5 * j * j
        if kind == 0:  # unrelated noise
            p, t = u, v
        elif kind == 1:  # a good prediction
            p, t = smooth + 0.05 * (u - 0.5), smooth
        elif kind == 2:  # a bad one, darker than it should be
            p, t = 0.5 * smooth + 0.6 * (u - 0.5), smooth + 0.1 * (v - 0.5)
        elif kind == 3:  # mostly background
            t = v if v > 0.9 else 0.0
            p = t * a if u > 0.2 else 0.0
        else:  # half the volume empty
            p = u * smooth if 2 * x > shape[2] else 0.0
            t = smooth if 2 * x > shape[2] else 0.0
        prediction[z, y, x], target[z, y, x] = np.floor(p * 1024) * 2.0**-10, np.floor(t * 1024) * 2.0**-10
        mask[z, y, x] = v * 8 < a + smooth and 3 * y > shape[1]
    return prediction, target, mask


def torchmetrics(prediction, target, data_range):
    p, t = (torch.tensor(image)[None, None] for image in (prediction, target))
    mean, image = structural_similarity_index_measure(p, t, data_range=data_range, return_full_image=True)
    return mean.item(), image[0, 0].numpy()


def ssim(seed):
    """SSIM full, inside the mask, with the data range inferred, crop, uniform."""
    prediction, target, mask = volumes(seed)
    full, image = torchmetrics(prediction, target, 1.0)
    crop = structural_similarity(
        prediction, target, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0)
    inferred, _ = torchmetrics(prediction, target, None)
    return full, image[mask].mean(), inferred, crop, structural_similarity(prediction, target, data_range=1.0)


def brasyn(seed):
    """SSIM of the tumour, of the rest and of the whole, each volume between its own percentiles."""
    prediction, target, mask = volumes(seed)

    def scaled(volume):
        low, high = np.percentile(volume, [0.5, 99.5])
        low = max(0.0, low)
        return ((np.clip(volume, low, high) - low) / (high - low)).astype(np.float32).astype(float)

    p, t = scaled(prediction), scaled(target)
    return [torchmetrics(p * kept, t * kept, None)[0] for kept in (mask, ~mask, np.ones_like(mask))]


def write(folder, name, constant, note, rows):
    text = (f"// Written by Support/golden/volumes.py; not by hand.\n\n/// {note}\n"
            f'let {constant} = """\n' + "".join(f"  {row}\n" for row in rows) + '  """\n')
    (folder / name).write_text(text)


def lines(seeds, values, digits):
    return [f"{seed} " + " ".join(f"{v:.{digits}g}" for v in values(seed)) for seed in seeds]


def main():
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    write(folder, "GoldenSurfaces.swift", "goldenSurfaces",
          "Seed, then the Hausdorff distance at 95 % and itself, surface Dice at 1 and 2.5 mm, of the masks that it makes.",
          lines(range(200), surface, 9))
    write(folder, "GoldenVolumes.swift", "goldenVolumes",
          "Seed, then SSIM full, inside the mask, with inferred range, crop, uniform of the volumes that it makes.",
          lines(range(40), ssim, 12))
    write(folder, "GoldenBraSyn.swift", "goldenBraSyn",
          "Seed, then SSIM of the tumour, of the rest, of the whole, by BraSyn's protocol.", lines(range(40), brasyn, 12))


main()
