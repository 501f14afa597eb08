"""Computes every golden file of Tests anew and lists them in Tests/Golden/digests.txt; `make golden` runs it.

    python Support/golden/rewrite.py [SCRIPT ...]     # default: all

A line of the list is a file's SHA-256, its path and what wrote it. Files that no script writes keep their lines: what version
0.1.0 left behind cannot be made again. Says which files have other bytes than before.

Libraries are held to what every processor of 64 bits can do, on one thread: their faster instructions round otherwise.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "Tests" / "Golden" / "digests.txt"
PLAIN = {
    "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "1",
}
SCRIPTS = {
    "agi_net": "Tests/Golden",
    "bias_field": "Tests/ImagingTests/Golden",
    "convolutions": "Tests/Golden",
    "diffusion": "Tests/Golden",
    "event_file": "Tests/Golden",
    "frameworks": "Tests/Golden",
    "independent_networks": "Tests/Golden",
    "metrics": "Tests/MetricsTests/Golden",
    "qforms": "Tests/Golden",
    "safetensors_files": "Tests/Golden",
    "schedulers": "Tests/Golden",
    "selfrdb": "Tests/Golden",
    "student": "Tests/MetricsTests/Golden",
    "volumes": "Tests/MetricsTests/Golden",
    "whole_networks": "Tests/Golden",
    "whole_networks_3d": "Tests/Golden",
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listed() -> dict[str, tuple[str, str]]:
    """By path: the digest, and what wrote the file."""
    lines = [line.split("  ") for line in LIST.read_text().splitlines()] if LIST.exists() else []
    return {path: (digest, source) for digest, path, source in lines}


def rewritten(script: str, folder: str) -> dict[str, tuple[str, str]]:
    lines = {}
    with tempfile.TemporaryDirectory() as fresh:
        program = ROOT / "Support" / "golden" / f"{script}.py"
        subprocess.run([sys.executable, program, fresh], check=True, env=os.environ | PLAIN)
        for file in sorted(Path(fresh).iterdir()):
            path = ROOT / folder / file.name
            if not path.exists() or digest(path) != digest(file):
                print(f"  {path.name} is new or has other bytes")
            shutil.copyfile(file, path)
            lines[f"{folder}/{file.name}"] = (digest(path), f"Support/golden/{script}.py")
    return lines


def main() -> None:
    lines = listed()
    for script in sys.argv[1:] or SCRIPTS:
        print(script, flush=True)
        source = f"Support/golden/{script}.py"
        lines = {path: line for path, line in lines.items() if line[1] != source} | rewritten(script, SCRIPTS[script])
    LIST.write_text("".join(f"{digest}  {path}  {source}\n" for path, (digest, source) in sorted(lines.items())))


if __name__ == "__main__":
    main()
