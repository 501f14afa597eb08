"""The one writer of safetensors files under Tests/Golden; needs numpy alone."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np

KINDS = {"float64": "F64", "float32": "F32"}


def write(path: Path, arrays: dict[str, np.ndarray], about: str, **versions: str) -> None:
    """Names are sorted, so that the bytes depend on the numbers and on `versions` alone."""
    script = f"Support/golden/{Path(sys.argv[0]).name}"
    header: dict[str, object] = {"__metadata__": {"about": about, "script": script, **versions}}
    data = bytearray()
    for name, array in sorted(arrays.items()):
        assert np.isfinite(array).all(), name
        raw = array.tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": KINDS[array.dtype.name], "shape": list(array.shape), "data_offsets": place}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name:24} {path.stat().st_size:>9,} bytes")
