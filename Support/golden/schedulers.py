"""Writes Tests/Golden/schedulers.safetensors: ways back from noise, as diffusers' DDPMScheduler and DDIMScheduler go them.

    python Support/golden/schedulers.py [FOLDER]       # default: Tests/Golden of this checkout

A network stands in that says 0.7 x_t + 0.5 known numbers, so that some of the images it means must be clamped. Noise is that
of SamplingNoise's generators (diffusion.py). The schedulers keep their tables in single precision; here these are widened, so
that steps are compared in double. What coincides, with the options of diffusers:

- linear betas (for T other than 1000 their ends are scaled by 1000/T) and squaredcos_cap_v2;
- epsilon, v_prediction and sample for noise, velocity and image; images are clamped to [-1, 1];
- DDPM with fixed_large and fixed_small for large and small, learned_range for improved DDPM;
- fewer steps of DDPM with timestep_spacing linspace, which rounds as we do;
- DDIM with set_alpha_to_one and use_clipped_model_output: the noise is that of the image as it was clamped.

What does not:

- leading and trailing spacing: they leave out the first or the last step, where ours has both ends;
- fewer steps of DDIM: its scheduler takes the step before to be T // n earlier, which linspace's is not. So it is given the
  process of fewer steps as a whole one, by trained_betas;
- fixed_small_log is fixed_small, and with fixed_large_log the root of a logarithm is taken: nothing to compare.

Keys: `<schedule>/betas`, `<schedule>/noised`, `<schedule>/velocity`, `<case>` with x_T, ..., x_0 by rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DDPMScheduler
from diffusion import mix
from golden import Tensors, save
from known import known
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
STEPS, FEW, SHAPE = 40, 7, (1, 1, 3, 4)
SCHEDULES = {
    "linear": dict(beta_schedule="linear", beta_start=1e-4 * 1000 / STEPS, beta_end=0.02 * 1000 / STEPS),
    "cosine": dict(beta_schedule="squaredcos_cap_v2"),
}
ANSWERS = {"noise": "epsilon", "velocity": "v_prediction", "image": "sample"}
VARIANCES = {"large": "fixed_large", "small": "fixed_small", "learned": "learned_range"}


def widened(scheduler: DDPMScheduler | DDIMScheduler) -> DDPMScheduler | DDIMScheduler:
    scheduler.betas = scheduler.betas.double()
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = scheduler.alphas.cumprod(0)
    scheduler.one = scheduler.final_alpha_cumprod = torch.ones(())
    return scheduler


def generator(step: int) -> torch.Generator:
    return torch.Generator().manual_seed(mix(1, f"sample 0 step {step}"))


def way(scheduler: DDPMScheduler | DDIMScheduler, learns: bool, **options: object) -> Tensor:
    """All x_t, from x_T on."""
    count = len(scheduler.timesteps)
    x = torch.randn(SHAPE, generator=generator(count))
    states = [x]
    for step, time in zip(reversed(range(count)), scheduler.timesteps):
        said = 0.7 * x + 0.5 * known(f"said {step}", *SHAPE)
        if learns:
            said = torch.cat([said, known(f"range {step}", *SHAPE)], 1)
        x = scheduler.step(said, int(time), x, generator=generator(step), **options).prev_sample
        states.append(x)
    return torch.cat(states)


def ways(name: str, table: dict) -> Tensors:
    tensors = {}
    for answer, prediction in ANSWERS.items():
        common = dict(num_train_timesteps=STEPS, prediction_type=prediction, **table)
        for variance, kind in VARIANCES.items():
            scheduler = widened(DDPMScheduler(variance_type=kind, timestep_spacing="linspace", **common))
            for steps in (STEPS, FEW):
                scheduler.set_timesteps(steps)
                tensors[f"{name}/{answer}/ancestral {variance}/{steps}"] = way(scheduler, variance == "learned")
        process = widened(DDPMScheduler(timestep_spacing="linspace", **common))
        process.set_timesteps(FEW)
        kept = process.alphas_cumprod[process.timesteps.flip(0)]
        few = 1 - kept / torch.cat([torch.ones(1), kept[:-1]])
        for steps in (STEPS, FEW):
            scheduler = widened(DDIMScheduler(**common | dict(num_train_timesteps=steps)))
            if steps == FEW:
                scheduler.alphas_cumprod = torch.cumprod(1 - few, 0)
            scheduler.set_timesteps(steps)
            for eta in (0, 0.5, 1):
                tensors[f"{name}/{answer}/ddim {eta}/{steps}"] = way(
                    scheduler, False, eta=eta, use_clipped_model_output=True)
    return tensors


def tables(name: str, table: dict) -> Tensors:
    scheduler = widened(DDPMScheduler(num_train_timesteps=STEPS, **table))
    shape = (STEPS, *SHAPE[1:])
    image, noise, steps = known("image", *shape), known("noise", *shape), torch.arange(STEPS)
    return {
        f"{name}/betas": scheduler.betas,
        f"{name}/noised": scheduler.add_noise(image, noise, steps),
        f"{name}/velocity": scheduler.get_velocity(image, noise, steps),
    }


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Tests" / "Golden"
    torch.set_default_dtype(torch.float64)
    tensors: Tensors = {}
    for name, table in SCHEDULES.items():
        tensors |= tables(name, table) | ways(name, table)
    for name, kind in (("linear", "linear"), ("cosine", "squaredcos_cap_v2")):
        tensors[f"{name} 1000/betas"] = DDPMScheduler(beta_schedule=kind).betas.double()
    about = f"Every x_t of diffusers' schedulers on the way back, T = {STEPS} and {FEW} steps of it"
    save(folder / "schedulers.safetensors", tensors, about)


if __name__ == "__main__":
    main()
