"""Writes Tests/Golden/qforms.safetensors: oblique grids as NIfTI-1 qforms alone, and where nibabel puts their voxels.

    python Support/golden/qforms.py [FOLDER]           # 256 grids; default: Tests/Golden of this checkout
    python Support/golden/qforms.py FILE COUNT SEED    # any number elsewhere, as the long tests do with 10,000

Needs numpy and nibabel. Half turns, near which a single-precision quaternion says least, are as frequent as all else.

`header`: qfac, three voxel sizes, b, c, d, three offsets, as stored; `nibabel`: its affine; `grid`: the affine that was
meant, in double precision, before a quaternion was rounded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
from files import write

ROOT = Path(__file__).resolve().parents[2]


def product(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Of two quaternions; the rotation of `q` comes first."""
    a, b, c, d = p
    e, f, g, h = q
    return np.array([a*e - b*f - c*g - d*h, a*f + b*e + c*h - d*g, a*g - b*h + c*e + d*f, a*h + b*g - c*f + d*e])


def turn(axis: int, angle: float) -> np.ndarray:
    q = np.zeros(4)
    q[0], q[1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return q


def rotation(random: np.random.Generator, kind: int) -> np.ndarray:
    """A unit quaternion (a, b, c, d) with a >= 0."""
    if kind == 0:  # anywhere
        q = random.normal(size=4)
    elif kind == 1:  # at a small distance from a half turn about any axis
        q = np.append(0, random.normal(size=3))
        q /= np.linalg.norm(q)
        q = np.sqrt(1 - (a := 10 ** random.uniform(-6, -1)) ** 2) * q + [a, 0, 0, 0]
    elif kind == 2:  # an axial slice as scanners write it, tilted twice and turned a little
        q = product(turn(0, random.uniform(-0.4, 0.4)), turn(1, random.uniform(-0.4, 0.4)))
        q = product(q, product(turn(2, random.choice([-1, 1]) * 10 ** random.uniform(-5, -0.5)), turn(2, np.pi)))
    else:  # half turns, exactly
        q = np.append(0, np.eye(3)[random.integers(3)] + 0.1 * random.normal(size=3) * random.integers(2))
    q /= np.linalg.norm(q)
    return -q if q[0] < 0 else q


def matrix(q: np.ndarray) -> np.ndarray:
    a, b, c, d = q
    return np.array([
        [a*a + b*b - c*c - d*d, 2*b*c - 2*a*d, 2*b*d + 2*a*c],
        [2*b*c + 2*a*d, a*a + c*c - b*b - d*d, 2*c*d - 2*a*b],
        [2*b*d - 2*a*c, 2*c*d + 2*a*b, a*a + d*d - c*c - b*b]])


def grids(count: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    headers = np.zeros((count, 10), np.float32)
    read, meant = np.zeros((count, 3, 4)), np.zeros((count, 3, 4))
    for index in range(count):
        q = rotation(random, index % 4)
        spacing = random.uniform(0.4, 6, 3).astype(np.float32)
        offset = random.normal(0, 120, 3).astype(np.float32)
        handedness = random.choice([-1.0, 1.0])
        stored = q[1:].astype(np.float32)
        if index % 16 == 7:  # a little longer than 1, as other programs round
            stored = (q[1:] / np.linalg.norm(q[1:]) * (1 + 1e-7)).astype(np.float32)
            q = np.append(0, q[1:] / np.linalg.norm(q[1:]))
        headers[index] = np.concatenate([[handedness], spacing, stored, offset])
        meant[index, :, :3] = matrix(q) * spacing.astype(float) * [1, 1, handedness]
        meant[index, :, 3] = offset

        header = nibabel.Nifti1Header()
        header.set_data_shape((5, 4, 3))
        header["pixdim"][:4] = headers[index, :4]
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = headers[index, 4:7]
        header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = headers[index, 7:]
        header["qform_code"] = 1
        read[index] = nibabel.Nifti1Header(header.binaryblock).get_best_affine()[:3]
    return {"header": headers, "nibabel": read, "grid": meant}


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write(path, arrays, "qforms, and nibabel's affines", nibabel=nibabel.__version__)


def main() -> None:
    if len(sys.argv) == 4:
        save(Path(sys.argv[1]), grids(int(sys.argv[2]), int(sys.argv[3])))
    else:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
        save(folder / "qforms.safetensors", grids(256, 9))


if __name__ == "__main__":
    main()
