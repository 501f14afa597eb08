#!/usr/bin/env python3
"""Writes the golden values of MetricsTests: torchmetrics, scikit-image and SciPy, in double.

    python3 Support/golden/metrics.py Tests/MetricsTests/Golden

Needs numpy, scipy, torch, torchmetrics 1.9 and scikit-image. The images are recomputed in Swift from their
seed by the same few operations on the same integers, so only the scores are kept.
"""
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata, wilcoxon
from skimage.metrics import structural_similarity
from splitmix import SplitMix64
from torchmetrics.functional.image import structural_similarity_index_measure

KINDS = 9


def clip(x):
    return 0.0 if x < 0 else (1.0 if x > 1 else x)


def pair(seed):
    """Prediction and target of one seed; only +, -, * and comparisons, in this order, so Swift agrees to the bit."""
    random = SplitMix64(seed)
    height = 11 + random.next() % 30
    width = 11 + random.next() % 30
    kind = seed % KINDS
    a, b, c = random.uniform(), random.uniform(), random.uniform()
    prediction = np.empty((height, width))
    target = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            u, v = random.uniform(), random.uniform()
            i, j = y * 0.025, x * 0.025
            smooth = clip(a + b * i - c * j + i * j - 0.5 * j * j)
            if kind == 0:  # unrelated noise
                p, t = u, v
            elif kind == 1:  # a good prediction
                p, t = clip(smooth + 0.02 * (u - 0.5)), smooth
            elif kind == 2:  # a bad one
                p, t = clip(smooth + 0.6 * (u - 0.5)), clip(smooth + 0.1 * (v - 0.5))
            elif kind == 3:  # mostly background
                t = v if v > 0.9 else 0.0
                p = t * a if u > 0.2 else 0.0
            elif kind == 4:  # 8 bits
                p, t = int(u * 256) * 0.00390625, int((u + 0.1 * v) * 256) * 0.00390625
            elif kind == 5:  # nearly constant
                p, t = 0.5 + 1e-6 * u, 0.5 + 1e-6 * v
            elif kind == 6:  # inverted contrast
                p, t = 1.0 - smooth, smooth
            elif kind == 7:  # half the image empty
                p = u * smooth if x * 2 > width else 0.0
                t = smooth if x * 2 > width else 0.0
            else:  # binary
                p, t = (1.0 if u > 0.5 else 0.0), (1.0 if u * v > 0.25 else 0.0)
            prediction[y, x], target[y, x] = p, t
    return prediction, target


def degenerate():
    """Name, height, width, value of every pixel of prediction and target (one value, or a checkerboard of two)."""
    board = np.indices((12, 17)).sum(0) % 2
    cases = [
        ("zero and zero", 16, 16, 0.0, 0.0), ("zero and one", 16, 16, 0.0, 1.0),
        ("one and one", 11, 11, 1.0, 1.0), ("constants", 13, 19, 0.25, 0.75),
        ("nearly equal constants", 20, 11, 0.5, 0.5 + 2.0**-40), ("tiny", 11, 40, 2.0**-60, 0.0),
    ]
    for name, h, w, p, t in cases:
        yield name, np.full((h, w), p), np.full((h, w), t)
    yield "identical boards", board * 1.0, board * 1.0
    yield "opposite boards", board * 1.0, 1.0 - board


def scores(prediction, target):
    """MAE, PSNR, SSIM full, SSIM crop, SSIM uniform (data range 1)."""
    p, t = torch.tensor(prediction)[None, None], torch.tensor(target)[None, None]
    mse = ((prediction - target) ** 2).mean()
    full = structural_similarity_index_measure(p, t, data_range=1.0).item()
    options = dict(data_range=1.0)
    crop = structural_similarity(
        prediction, target, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **options)
    uniform = structural_similarity(prediction, target, **options)
    psnr = np.inf if mse == 0 else 10 * np.log10(1 / mse)
    return np.abs(prediction - target).mean(), psnr, full, crop, uniform


def line(name, values, digits=12):
    return name + " " + " ".join(f"{v:.{digits}g}" for v in values)


def vector():
    i, j = np.mgrid[0:32, 0:32].astype(float)
    target = 0.5 + 0.5 * np.sin(0.3 * i) * np.cos(0.2 * j)
    return np.clip(target + 0.05 * np.cos(0.7 * i + 0.4 * j), 0, 1), target


def differences(seed, count, grid):
    """Paired differences about 0.2, rounded to a grid so that ties and zeros occur (0: no grid)."""
    random = SplitMix64(seed)
    values = [random.uniform() * 2 - 0.8 for _ in range(count)]
    return [float(np.floor(v * grid + 0.5)) * 0.125 for v in values] if grid else values


def ranks():
    for seed, count, grid in [(1, 5, 0), (2, 12, 0), (3, 25, 0), (4, 50, 0), (5, 51, 0), (6, 200, 0),
                              (7, 12, 4), (8, 30, 4), (9, 80, 6), (10, 3, 0), (11, 14, 2)]:
        d = np.array(differences(seed, count, grid))
        nonzero = d[d != 0]
        result = wilcoxon(d, zero_method="wilcox", method="approx")
        p = exact(nonzero, result.statistic) if len(nonzero) <= 50 else result.pvalue
        yield f"{seed} {count} {grid} {result.statistic:.17g} {p:.12g}"


def exact(d, statistic):
    """Over all signs that the mean ranks could have had: SciPy's own exact distribution knows no ties."""
    doubled = np.rint(2 * rankdata(np.abs(d))).astype(int)
    ways = np.array([1], dtype=object)  # Python's integers: 2^50 ways are counted exactly
    for rank in doubled:
        longer = np.zeros(len(ways) + rank, dtype=object)
        longer[:len(ways)] += ways
        longer[rank:] += ways
        ways = longer
    p = min(1.0, 2 * sum(ways[:int(2 * statistic) + 1]) / 2 ** len(d))
    if len(set(doubled)) == len(d):
        assert abs(p - wilcoxon(d, method="exact").pvalue) < 1e-12
    return p


def write(folder, name, constant, note, rows):
    text = (f"// Written by Support/golden/metrics.py; not by hand.\n\n/// {note}\n"
            f'let {constant} = """\n' + "".join(f"  {row}\n" for row in rows) + '  """\n')
    (folder / name).write_text(text)


def main():
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    write(folder, "GoldenScores.swift", "goldenScores",
          "Seed, then MAE, PSNR, SSIM full, crop, uniform of the pair that the seed makes.",
          [line(str(seed), scores(*pair(seed))) for seed in range(500)])
    write(folder, "GoldenVectors.swift", "goldenVectors",
          "Name | MAE, PSNR, SSIM full, crop, uniform: a smooth pair, and pairs without contrast.",
          [line("smooth |", scores(*vector()), 17)]
          + [line(n + " |", scores(p, t), 17) for n, p, t in degenerate()])
    write(folder, "GoldenRanks.swift", "goldenRanks",
          "Seed, count, grid of the differences; Wilcoxon's statistic (SciPy) and two-sided p, exact where 50 or fewer are not 0.", ranks())


main()
