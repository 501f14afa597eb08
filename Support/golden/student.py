#!/usr/bin/env python3
"""Writes the golden values of Student's t and of its confidence intervals: SciPy, in double.

    python3 Support/golden/student.py Tests/MetricsTests/Golden

Needs numpy and scipy. The differences are recomputed in Swift from their seed, so only the intervals are kept.
"""
import sys
from pathlib import Path

import numpy as np
from scipy import stats

MASK = (1 << 64) - 1


def uniforms(seed, count):
    """SplitMix64, as in metrics.py."""
    state = seed & MASK
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


def quantiles():
    for freedom in [*range(1, 31), 49, 50, 99, 100, 999, 1000, 25_000]:
        for confidence in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]:
            # The upper tail keeps the digits that 1 - tail would lose.
            yield f"{freedom} {confidence} {stats.t.isf((1 - confidence) / 2, freedom):.17g}"


def intervals():
    for seed, count in [(1, 6), (2, 7), (3, 10), (4, 20), (5, 37), (6, 200)]:
        differences = np.array([u * 2 - 0.8 for u in uniforms(seed, count)])
        for confidence in [0.9, 0.95, 0.99]:
            found = stats.ttest_1samp(differences, 0).confidence_interval(confidence)
            yield f"{seed} {count} {confidence} {found.low:.17g} {found.high:.17g}"


def write(folder, name, constant, note, rows):
    text = (f"// Written by Support/golden/student.py; not by hand.\n\n/// {note}\n"
            f'let {constant} = """\n' + "".join(f"  {row}\n" for row in rows) + '  """\n')
    (folder / name).write_text(text)


def main():
    folder = Path(sys.argv[1])
    write(folder, "GoldenQuantiles.swift", "goldenQuantiles",
          "Degrees of freedom, confidence, SciPy's two-sided quantile of Student's t.", quantiles())
    write(folder, "GoldenIntervals.swift", "goldenIntervals",
          "Seed and count of the differences, confidence; SciPy's interval of their mean.", intervals())


main()
