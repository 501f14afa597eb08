"""Checks with nibabel that volumes written by aginet lie where their sources do.

    python Support/golden/geometry.py FOLDER    # pairs NAME-in.nii[.gz] and NAME-out.nii[.gz], as the long tests write

For each pair nibabel's affine and dimensions must be the same, and so must qform, sform, codes, units and voxel sizes.
Files that nibabel itself refuses are counted apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np


def same(source: nibabel.Nifti1Image, output: nibabel.Nifti1Image) -> list[str]:
    """What differs."""
    a, b = source.header, output.header
    wrong = [] if np.array_equal(source.affine, output.affine) else ["affine"]
    for name in ("dim", "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
                 "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"):
        if a[name].tobytes() != b[name].tobytes():
            wrong.append(name)
    if a.endianness != b.endianness or a["sizeof_hdr"] != b["sizeof_hdr"]:
        wrong.append("version or byte order")
    if len(b.extensions) or b["aux_file"].tobytes().strip(b"\0") or b["intent_name"].tobytes().strip(b"\0"):
        wrong.append("names or extensions")
    if not np.array_equal(np.asarray(source.dataobj, np.float32), np.asarray(output.dataobj, np.float32)):
        wrong.append("voxels")
    return wrong


def main() -> None:
    pairs = refused = 0
    for path in sorted(Path(sys.argv[1]).glob("*-in.nii*")):
        try:
            source = nibabel.load(path)
        except Exception:
            refused += 1
            continue
        output = nibabel.load(path.with_name(path.name.replace("-in", "-out")))
        if wrong := same(source, output):
            sys.exit(f"{path.name}: {', '.join(wrong)}")
        pairs += 1
    print(f"{pairs} pairs agree, {refused} sources that nibabel refuses")


if __name__ == "__main__":
    main()
