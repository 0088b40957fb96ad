"""Peer of bench/dispatch.ts: the same small computations in eager PyTorch."""
from itertools import repeat
from time import perf_counter

from protocol import import_torch, serve

torch = import_torch()
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def add_2x2(count):
    x = torch.ones(2, 2)
    start = perf_counter()
    for _ in repeat(None, count):
        x + x
    return perf_counter() - start


MLP = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
ROWS = torch.rand(16, 16)
LABELS = torch.ones(16, 1)


def mlp_modules(count):
    start = perf_counter()
    for _ in repeat(None, count):
        F.binary_cross_entropy_with_logits(MLP(ROWS), LABELS).backward()
    return perf_counter() - start


def mlp_functional(count):
    """Without modules, which costs PyTorch less."""
    w1, b1, w2, b2, w3, b3 = MLP.parameters()
    start = perf_counter()
    for _ in repeat(None, count):
        hidden = F.linear(ROWS, w1, b1).relu()
        hidden = F.linear(hidden, w2, b2).relu()
        F.binary_cross_entropy_with_logits(F.linear(hidden, w3, b3), LABELS).backward()
    return perf_counter() - start


CASES = {"add-2x2": [add_2x2], "mlp-16": [mlp_modules, mlp_functional]}


def fastest(case, count=300):
    """Where PyTorch offers more than one way, the one that is fastest here."""
    for run in CASES[case]:
        run(count)
    return min(CASES[case], key=lambda run: min(run(count) for _ in range(5)))


chosen = {}


def answer(request):
    case = request["case"]
    if case not in chosen:
        chosen[case] = fastest(case)
    return chosen[case](request["count"])


serve(answer)
