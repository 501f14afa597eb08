"""Writes Tests/Golden/exchange.safetensors with Python's own safetensors, for Swift to read.

    python Support/golden/safetensors_files.py [FOLDER]     # default: Tests/Golden of this checkout
    python Support/golden/safetensors_files.py --read FILE  # check a file that Swift wrote with the same content

Every element type, a scalar, an empty tensor, names that need escapes and some beyond ASCII.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]


def tensors() -> dict[str, torch.Tensor]:
    ramp = torch.arange(-3, 3)
    return {
        "f64": ramp.double() / 3,
        "f32": (ramp.float() / 3).reshape(2, 3),
        "f16": ramp.half() / 4,
        "bf16": ramp.bfloat16() / 4,
        "i64": ramp * 2**40,
        "i32": ramp.int() * 1000,
        "i16": ramp.short() * 100,
        "i8": ramp.to(torch.int8),
        "u8": torch.tensor([0, 1, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(0.5),
        "empty": torch.zeros(0, 4),
        'quote " slash \\ line\n': torch.tensor([1.5]),
        "Δσ 脳 🧠": torch.tensor([-2.5]),
    }


METADATA = {"format": "pt", "note": 'a "quoted"\tΔ 🧠'}


def main() -> None:
    if sys.argv[1:2] == ["--read"]:
        with safe_open(sys.argv[2], "pt") as file:
            assert file.metadata() == METADATA, file.metadata()
            expected = tensors()
            assert set(file.keys()) == set(expected), file.keys()
            for name, tensor in expected.items():
                found = file.get_tensor(name)
                assert found.dtype == tensor.dtype and torch.equal(found, tensor), name
        print("equal")
        return
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    # The library writes metadata in a random order; keep the sorted one, so that runs agree.
    path = folder / "exchange.safetensors"
    while True:
        save_file(tensors(), path, METADATA)
        if b'"format":"pt","note"' in path.read_bytes():
            break
    print(f"{path.name} {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
