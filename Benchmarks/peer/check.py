"""What is known of AGI-Net before any training, asserted on the PyTorch peer (`agi_net.py --check`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agi_net import CAGR, STAGES, PatchGAN, ResUnet, channel_shuffle, float_roll


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def expect(what: str, found: float, wanted: float, tolerance: float = 0) -> None:
    assert abs(found - wanted) <= tolerance, f"{what}: {found}, expected {wanted}"
    print(f"ok  {what}: {found:,}")


def counts() -> None:
    with torch.device("meta"):
        expect("ResUnet", count(ResUnet(2)), 17_008_320)
        expect("ResUnet, biased", count(ResUnet(2, bias=True)), 17_015_361)
        expect("ResUnet, 3 sources", count(ResUnet(3)), 17_008_896)
        expect("DRUNet, 4 blocks a stage", count(ResUnet(2, blocks=4)), 32_638_656)
        for n, wanted in {2: 21_580_884, 4: 19_320_168, 8: 18_211_728, 16: 17_701_344}.items():
            expect(f"AGI-Net, n = {n}", count(ResUnet(2, groups=n)), wanted)
        expect("rolling alone", count(ResUnet(2, groups=8, attention=False)), 18_002_448)
        expect("attention alone", count(ResUnet(2, groups=8, rolling=False)), 17_217_600)
        expect("depthwise routing", sum(
            p.numel() if not k.endswith("routing.conv.weight") else p.shape[0] * 9
            for k, p in ResUnet(2, groups=8).named_parameters()
        ), 17_302_800)
        replaced = [17_008_320, 17_023_056, 17_075_040, 17_269_104, 18_017_664, 18_211_728, 18_263_712, 18_278_448]
        for k, wanted in enumerate(replaced):
            expect(f"AGI-Net, {k} stages replaced", count(ResUnet(2, groups=8, stages=STAGES[:k])), wanted)
        for c, wanted in {64: 44_232, 128: 173_448, 256: 686_856, 512: 2_733_576}.items():
            expect(f"CAGR, {c} channels", count(CAGR(c, 8)), wanted)
        for width, plain, agi in ((64, 49.65, 52.73), (32, 12.41, 13.21), (16, 3.10, 3.31)):
            volume = {"width": width, "dimensions": 3}
            expect(f"3-D ResUnet, width {width}, M", count(ResUnet(3, **volume)) / 1e6, plain, 0.0051)
            expect(f"3-D AGI-Net, width {width}, M", count(ResUnet(3, groups=8, **volume)) / 1e6, agi, 0.0051)
        expect("PatchGAN, canonical", count(PatchGAN(3, kind="canonical")), 2_764_737)
        expect("PatchGAN, batch norm", count(PatchGAN(3, kind="canonical", norm="batch")), 2_765_633)
        expect("PatchGAN, padded", count(PatchGAN(3)), 2_764_736)
        for size, canonical, padded in ((256, 30, 16), (240, 28, 15)):
            pair = torch.empty(1, 2, size, size), torch.empty(1, 1, size, size)
            expect(f"canonical map at {size}", PatchGAN(3, kind="canonical")(*pair).shape[-1], canonical)
            expect(f"padded map at {size}", PatchGAN(3)(*pair).shape[-1], padded)


def rolled_by_definition(kernel: Tensor, x: float, y: float) -> Tensor:
    """Eq. 4 word for word: four whole rolls, mixed by the fractions."""
    fx, fy = int(x // 1), int(y // 1)
    rx, ry = x - fx, y - fy
    corners = (((1 - rx) * (1 - ry), 0, 0), (rx * (1 - ry), 1, 0), ((1 - rx) * ry, 0, 1), (rx * ry, 1, 1))
    return sum(weight * torch.roll(kernel, (fy + dy, fx + dx), (-2, -1)) for weight, dx, dy in corners)


def rolling() -> None:
    kernel = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
    known = {
        (0.25, 0.0): [0.5, 0.75, 1.75, 3.5, 3.75, 4.75, 6.5, 6.75, 7.75],
        (0.0, 0.25): [1.5, 2.5, 3.5, 2.25, 3.25, 4.25, 5.25, 6.25, 7.25],
        (-1.3, 2.4): [3.1, 3.2, 2.1, 6.1, 6.2, 5.1, 3.7, 3.8, 2.7],
    }
    for (x, y), wanted in known.items():
        rolled = float_roll(kernel, kernel.new_tensor([x, y]))
        torch.testing.assert_close(rolled.flatten(), kernel.new_tensor(wanted), rtol=0, atol=1e-12)
        torch.testing.assert_close(rolled, rolled_by_definition(kernel, x, y), rtol=0, atol=1e-12)
        periodic = float_roll(kernel, kernel.new_tensor([x + 3, y - 6]))
        torch.testing.assert_close(rolled, periodic, rtol=0, atol=1e-12)
    shuffled = channel_shuffle(torch.arange(16)[None], 4)[0].tolist()
    assert shuffled == [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
    print("ok  FloatRoll, channel shuffle")


def properties() -> None:
    torch.manual_seed(1)
    x = torch.randn(3, 16, 9, 7, dtype=torch.float64)
    module = CAGR(16, 4).double()
    module(x).square().sum().backward()
    assert module.routing.offset.weight.grad.abs().max() > 0, "offsets have no gradient at the start"
    torch.nn.init.normal_(module.routing.offset.weight, std=5)
    torch.testing.assert_close(module(x), torch.cat([module(x[i : i + 1]) for i in range(3)]))

    # The attention group by group: its own channels, then the shuffled ones of the same places.
    z, weight = x.mean((2, 3)), module.attention.weight[..., 0, 0]
    shuffled = z[:, [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]]
    for i in range(4):
        own = slice(4 * i, 4 * i + 4)
        logits = torch.cat([z[:, own], shuffled[:, own]], dim=1) @ weight[own].T + module.attention.bias[own]
        torch.testing.assert_close(module.gate(x)[:, own], torch.sigmoid(logits))

    # The kernels group by group from the definition, against the batched matrix product.
    gated = x * module.gate(x)[..., None, None]
    offsets, scales = module.routing(gated)
    kernels = module.kernels(offsets, scales)
    for b in range(3):
        for i in range(4):
            group = module.weight[:, 4 * i : 4 * i + 4]
            wanted = scales[b, i] * rolled_by_definition(group, *offsets[b, i].tolist())
            torch.testing.assert_close(kernels[b, :, 4 * i : 4 * i + 4], wanted)

    network = ResUnet(2, width=4, groups=4).double()
    assert network(torch.randn(2, 2, 20, 28, dtype=torch.float64)).shape == (2, 1, 20, 28)
    volume = ResUnet(2, width=4, groups=4, dimensions=3).double()
    assert volume(torch.randn(1, 2, 9, 8, 10, dtype=torch.float64)).shape == (1, 1, 9, 8, 10)
    print("ok  gradient at whole offsets, samples alone as in a batch, gate and kernels by definition, padding, 3-D")


def run() -> None:
    counts()
    rolling()
    properties()
