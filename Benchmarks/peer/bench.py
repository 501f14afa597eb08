"""Times AGI-Net and ResUnet in PyTorch, eager or compiled, and prints one JSON line a measurement.

    python Benchmarks/peer/bench.py --what pix2pix l1 inference --network agi-net resunet --channels-last
    python Benchmarks/peer/bench.py --what l1 --batch 4 --size 128 --width 32 --compile
    python Benchmarks/peer/bench.py --what l1 inference --dimensions 3 --size 32 --width 32 --channels-last
    echo '{"what": "l1", "network": "agi-net", "size": 64}' | python Benchmarks/peer/bench.py --serve

`pix2pix` is a step of both networks, `l1` one of the generator alone, `inference` a forward pass.
A line holds what, network, batch, size, width, mode (eager or compile), channels_last, precision, seconds (the
median), fastest, repeats, peak_rss_mb (this process, since the case was set up) and torch.

With --serve, every line of stdin is a request (the case's fields as JSON; what is absent comes from the
flags) and is answered by one line for ONE repetition, so that another program can alternate its own
repetitions with these. The first request of a case also sets it up and warms it, untimed. The last
--keep cases stay in memory; {"release": true} drops them. A request that fails is answered
{"error": ...}.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import gc
import itertools
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from agi_net import PatchGAN, Pix2Pix, ResUnet


@dataclasses.dataclass(frozen=True)
class Case:
    """What is timed. Sizes are of square images, in 3-D of cubes; `groups` counts for AGI-Net only."""

    what: str = "pix2pix"
    network: str = "agi-net"
    batch: int = 1
    size: int = 256
    width: int = 64
    groups: int = 8
    sources: int = 2
    mode: str = "eager"
    channels_last: bool = False
    fused_adam: bool = False
    device: str = "cpu"
    dimensions: int = 2

    def __post_init__(self) -> None:
        known = {
            "what": ("pix2pix", "l1", "inference"),
            "network": ("agi-net", "resunet"),
            "mode": ("eager", "compile"),
        }
        for field, values in known.items():
            if getattr(self, field) not in values:
                raise ValueError(f"{field} {getattr(self, field)!r} is none of {', '.join(values)}")
        if self.dimensions == 3 and self.what == "pix2pix":
            raise ValueError("the discriminator of pix2pix is one of slices")

    def prepare(self, precision: str = "float32") -> Callable[[], None]:
        """One repetition as a function: networks, optimisers and a batch made ready, from a fixed seed."""
        torch.manual_seed(1)
        last = torch.channels_last_3d if self.dimensions == 3 else torch.channels_last
        layout = last if self.channels_last else torch.contiguous_format
        place = {"device": self.device, "memory_format": layout}
        groups = self.groups if self.network == "agi-net" else None
        generator = ResUnet(self.sources, width=self.width, groups=groups, dimensions=self.dimensions).to(**place)
        space = [self.size] * self.dimensions
        sources = torch.rand(self.batch, self.sources, *space).to(**place)
        target = torch.rand(self.batch, 1, *space).to(**place)
        network = self.running(generator, precision)

        if self.what == "inference":
            generator.eval().requires_grad_(False)

            def infer() -> None:
                with torch.inference_mode():
                    network(sources)

            return infer

        fused = self.fused_adam or None
        if self.what == "pix2pix":
            judge = PatchGAN(self.sources + 1).to(**place)
            method = Pix2Pix(network, self.running(judge, precision), fused=fused)

            def step() -> None:
                method.step(sources, target)

            return step

        adam = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=fused)

        def improve() -> None:
            adam.zero_grad(set_to_none=True)
            loss = (network(sources) - target).abs().mean()
            loss.backward()
            adam.step()
            loss.item()

        return improve

    def running(self, network: torch.nn.Module, precision: str) -> torch.nn.Module:
        """The network as it is run: compiled or not, and under autocast or not."""
        made = torch.compile(network, dynamic=False) if self.mode == "compile" else network
        return Autocast(made) if precision == "bf16" else made


class Autocast(torch.nn.Module):
    """A network that computes in bfloat16 as far as autocast lets it, and gives float32."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images[0].device.type, torch.bfloat16):
            return self.network(*images).float()


def reset_peak() -> None:
    """Lets the peak of resident memory start anew where the kernel allows it."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        pass


def peak_rss_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text()
        return round(int(status.split("VmHWM:")[1].split()[0]) / 1024, 1)
    except (OSError, IndexError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def synchronize(case: Case) -> None:
    if case.device.startswith("cuda"):
        torch.cuda.synchronize()


def time_once(case: Case, repetition: Callable[[], None]) -> float:
    synchronize(case)
    start = time.perf_counter()
    repetition()
    synchronize(case)
    return time.perf_counter() - start


def ready(case: Case, precision: str) -> Callable[[], None]:
    """The case's repetition, warmed: caches, optimiser state and compiled code exist afterwards."""
    reset_peak()
    repetition = case.prepare(precision)
    for _ in range(2 if case.mode == "compile" else 1):
        repetition()
    return repetition


def line(case: Case, precision: str, seconds: list[float]) -> str:
    measured = {
        "precision": precision,
        "seconds": round(statistics.median(seconds), 6),
        "fastest": round(min(seconds), 6),
        "repeats": len(seconds),
        "threads": torch.get_num_threads(),
        "peak_rss_mb": peak_rss_mb(),
        "torch": torch.__version__,
    }
    return json.dumps(dataclasses.asdict(case) | measured)


def serve(standard: Case, precision: str, keep: int) -> None:
    cases: dict[Case, Callable[[], None]] = {}
    for text in sys.stdin:
        if not text.strip():
            continue
        try:
            request = json.loads(text)
            if request.get("release"):
                cases.clear()
                reset_peak()
                answer = json.dumps({"released": True})
            else:
                case = dataclasses.replace(standard, **request)
                repetition = cases.pop(case, None)
                if repetition is None:
                    while len(cases) >= keep:
                        del cases[next(iter(cases))]
                    repetition = ready(case, precision)
                cases[case] = repetition
                answer = line(case, precision, [time_once(case, repetition)])
        except Exception as error:  # the asking program decides what a failure means
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(answer, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", default=["pix2pix"], choices=["pix2pix", "l1", "inference"])
    parser.add_argument("--network", nargs="+", default=["agi-net"], choices=["agi-net", "resunet"])
    parser.add_argument("--batch", nargs="+", type=int, default=[1])
    parser.add_argument("--size", nargs="+", type=int, default=[256])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--dimensions", type=int, default=2, choices=[2, 3])
    parser.add_argument("--groups", type=int, default=8)
    parser.add_argument("--sources", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="torch.compile with inductor instead of eager")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--fused-adam", action="store_true", help="PyTorch's fused Adam instead of its default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--precision", default="float32", choices=["float32", "tf32", "bf16"],
        help="tf32: let a GPU multiply in TF32, bf16: autocast; both take the fastest convolutions",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--keep", type=int, default=2, help="cases kept ready by --serve")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.backends.cuda.matmul.allow_tf32 = given.precision == "tf32"
    torch.backends.cudnn.allow_tf32 = given.precision == "tf32"
    torch.backends.cudnn.benchmark = given.precision != "float32"

    def case(what: str, network: str, batch: int, size: int) -> Case:
        mode = "compile" if given.compile else "eager"
        return Case(
            what, network, batch, size, given.width, given.groups, given.sources, mode,
            given.channels_last, given.fused_adam, given.device, given.dimensions,
        )  # fmt: skip

    if given.serve:
        standard = case(given.what[0], given.network[0], given.batch[0], given.size[0])
        serve(standard, given.precision, max(1, given.keep))
        return
    for choice in itertools.product(given.what, given.network, given.batch, given.size):
        chosen = case(*choice)
        repetition = ready(chosen, given.precision)
        seconds = [time_once(chosen, repetition) for _ in range(max(1, given.repeats))]
        print(line(chosen, given.precision, seconds), flush=True)
        del repetition
        torch.compiler.reset()  # what was compiled for one case would hold its memory for the next


if __name__ == "__main__":
    main()
