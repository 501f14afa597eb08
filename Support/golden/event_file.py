"""Writes Tests/Golden/events.tfevents with TensorBoard's own messages and record writer.

    python Support/golden/event_file.py [FOLDER]       # default: Tests/Golden of this checkout
    python Support/golden/event_file.py --read FOLDER  # check the same content in a folder Swift wrote to

Needs the `tensorboard` package. Two runs write the same bytes: the times are 1700000000.25 and on by a half.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path) -> None:
    times = (1700000000.25 + 0.5 * i for i in range(100))
    value = summary_pb2.Summary.Value
    events = [
        {"file_version": "brain.Event:2"},
        {"step": 5, "session_log": event_pb2.SessionLog(status=event_pb2.SessionLog.START)},
        {"step": 0, "summary": [value(tag="loss/G", simple_value=0.0)]},
        {
            "step": 300,
            "summary": [
                value(tag="loss/G", simple_value=-1.5),
                value(tag="PSNR Δ", simple_value=float("inf")),
            ],
        },
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for fields in events:
            if "summary" in fields:
                fields["summary"] = summary_pb2.Summary(value=fields["summary"])
            event = event_pb2.Event(wall_time=next(times), **fields)
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def read(folder: str) -> None:
    events = EventAccumulator(folder, {SCALARS: 0})
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/G")] == [(0, 0.0), (300, -1.5)]
    assert [(e.step, e.value) for e in events.Scalars("PSNR Δ")] == [(300, float("inf"))]
    print("equal")


def main() -> None:
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2])
        return
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    path = folder / "events.tfevents"
    write(path)
    print(f"{path.name} {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
