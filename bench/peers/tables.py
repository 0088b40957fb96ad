"""Peer of bench/tables.ts: pooled lookups with EmbeddingBag, its sparse gradient, and an update of the touched rows."""
from time import perf_counter

from protocol import import_torch, serve

torch = import_torch()
from safetensors_file import read_safetensors  # noqa: E402
from torch import nn  # noqa: E402
from training import ADAGRAD_EPS, step_rows  # noqa: E402


class Bags:
    """The same tables, batches and gradients as our side; one module per table."""

    def __init__(self, request):
        tensors = read_safetensors(request["load"])
        self.learning_rate = request["learningRate"]
        self.rule = request["rule"]
        tables = [tensors[f"table.{t}"] for t in range(request["tables"])]
        self.modules = [
            nn.EmbeddingBag(*table.shape, mode="sum", sparse=True, include_last_offset=True, _weight=table.clone())
            for table in tables
        ]
        self.codes = [[tensors[f"codes.{b}.{t}"].long() for t in range(len(tables))] for b in range(request["batches"])]
        self.offsets = tensors["offsets"].long()
        self.gradients = [tensors[f"gradient.{b}"] for b in range(request["batches"])]
        self.parameters = [module.weight for module in self.modules]
        if self.rule == "adagrad":
            self.optimizer = torch.optim.Adagrad(self.parameters, lr=self.learning_rate, eps=ADAGRAD_EPS)
        else:
            self.moments = [torch.zeros(table.shape[0]) for table in tables]
        self.next = 0

    def step(self):
        batch = self.next % len(self.codes)
        self.next += 1
        pooled = [module(codes, self.offsets) for module, codes in zip(self.modules, self.codes[batch])]
        gradient = self.gradients[batch]
        torch.autograd.backward(pooled, [gradient] * len(pooled))
        if self.rule == "adagrad":
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        else:
            step_rows(self.parameters, self.moments, self.learning_rate)
        return pooled

    def results(self, steps):
        """Some numbers of every step's result, which depend on all updates before."""
        return [[pooled[row].tolist() for pooled in self.step() for row in (0, -1)] for _ in range(steps)]

    def seconds(self, steps):
        start = perf_counter()
        for _ in range(steps):
            self.step()
        return perf_counter() - start


class Session:
    def answer(self, request):
        if "load" in request:
            self.bags = Bags(request)
            return None
        if "results" in request:
            return self.bags.results(request["results"])
        return self.bags.seconds(request["steps"])


serve(Session().answer)
