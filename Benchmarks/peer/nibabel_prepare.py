"""Reads and normalises NIfTI volumes with nibabel and NumPy, and prints the seconds each one took.

    python Benchmarks/peer/nibabel_prepare.py [--repeats 3] FILE.nii.gz ...

A volume is read as float32, divided by the 99.5th percentile over all its voxels and clipped to
[0, 1]. One JSON line a file (the median of the repetitions), then one for all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import nibabel
import numpy


def prepare(path: str) -> numpy.ndarray:
    volume = numpy.asanyarray(nibabel.load(path).dataobj, dtype=numpy.float32)
    top = numpy.percentile(volume, 99.5)
    if not top > 0:
        raise SystemExit(f"{path}: its 99.5th percentile is {top}, so it cannot be scaled to [0, 1]")
    volume = volume / numpy.float32(top)
    return numpy.clip(volume, 0, 1, out=volume)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    total, voxels = 0.0, 0
    prepare(given.files[0])  # imports and file cache, untimed
    for path in given.files:
        seconds = []
        for _ in range(max(1, given.repeats)):
            start = time.perf_counter()
            volume = prepare(path)
            seconds.append(time.perf_counter() - start)
        median = statistics.median(seconds)
        total, voxels = total + median, voxels + volume.size
        answer = {"file": path, "shape": volume.shape, "seconds": round(median, 4), "mean": float(volume.mean())}
        print(json.dumps(answer))
    print(json.dumps({
        "what": "prepare", "volumes": len(given.files), "seconds_per_volume": round(total / len(given.files), 4),
        "megavoxels_per_second": round(voxels / total / 1e6, 2), "repeats": given.repeats,
        "nibabel": nibabel.__version__, "numpy": numpy.__version__,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
