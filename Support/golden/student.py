#!/usr/bin/env python3
"""Writes the golden values of Student's t and of its confidence intervals: SciPy, in double.

    python3 Support/golden/student.py Tests/MetricsTests/Golden

Needs numpy and scipy. The differences are recomputed in Swift from their seed, so only the intervals are kept.
"""
import sys
from pathlib import Path

import numpy as np
from scipy import stats
from splitmix import SplitMix64


def quantiles():
    for freedom in [*range(1, 31), 49, 50, 99, 100, 999, 1000, 25_000]:
        for confidence in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]:
            # The upper tail keeps the digits that 1 - tail would lose.
            yield f"{freedom} {confidence} {stats.t.isf((1 - confidence) / 2, freedom):.17g}"


def intervals():
    for seed, count in [(1, 6), (2, 7), (3, 10), (4, 20), (5, 37), (6, 200)]:
        random = SplitMix64(seed)
        differences = np.array([random.uniform() * 2 - 0.8 for _ in range(count)])
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
