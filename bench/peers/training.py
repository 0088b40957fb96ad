"""A training step in eager PyTorch, whatever the model: AdamW, clipped gradients, row-wise Adagrad on touched rows."""
from time import perf_counter

import torch
from torch.nn import functional as F

ADAGRAD_EPS = 1e-8


@torch.no_grad()
def step_rows(tables, moments_of_tables, learning_rate):
    """Row-wise Adagrad on the rows that the batch touched."""
    for table, moments in zip(tables, moments_of_tables):
        gradient = table.grad.coalesce()
        table.grad = None
        rows, values = gradient.indices()[0], gradient.values()
        updated = moments[rows] + values.square().mean(1)
        moments[rows] = updated
        scale = updated.sqrt_().add_(ADAGRAD_EPS).reciprocal_().mul_(-learning_rate)
        # Faster than index_add_, and rows stand here once each.
        table[rows] = table[rows].addcmul_(values, scale.unsqueeze(1))


class Trainer:
    """A model, its optimizers, and the batches it goes through again and again."""

    def __init__(self, model, tables, batches, training, foreach):
        self.model = model
        self.batches = batches
        self.tables = tables
        self.moments = [torch.zeros(table.shape[0]) for table in tables]
        sparse = {id(table) for table in tables}
        self.dense = [p for p in model.parameters() if id(p) not in sparse]
        self.adamw = torch.optim.AdamW(
            self.dense, lr=training["learningRate"], weight_decay=training["weightDecay"], foreach=foreach
        )
        self.clip_norm = training["clipNorm"]
        self.table_learning_rate = training["tableLearningRate"]
        self.next = 0

    def step(self):
        batch = self.batches[self.next % len(self.batches)]
        self.next += 1
        logits = self.model(batch)
        losses = F.binary_cross_entropy_with_logits(logits, batch.labels, reduction="none")
        loss = ((losses * batch.mask).sum(0) / batch.mask.sum(0).clamp(min=1)).sum()
        self.adamw.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.dense, self.clip_norm)
        self.adamw.step()
        step_rows(self.tables, self.moments, self.table_learning_rate)
        return loss.item()

    def losses(self):
        return [self.step() for _ in self.batches]

    def seconds(self, steps):
        start = perf_counter()
        for _ in range(steps):
            self.step()
        return perf_counter() - start


class Session:
    """Where PyTorch offers more than one way, all are tried and the fastest is measured."""

    def __init__(self, read, ways):
        """`read` gives a model, its tables and the batches of a request in one of the `ways`."""
        self.read = read
        self.ways = ways

    def load(self, request):
        self.timings = {}
        best = None
        for way in self.ways:
            for foreach in (False, True):
                trainer = Trainer(*self.read(request, way), request["training"], foreach)
                losses = trainer.losses()
                seconds = min(trainer.seconds(request.get("trial", 5)) for _ in range(request.get("trials", 4)))
                self.timings[f"{way}, foreach {foreach}"] = seconds
                if best is None or seconds < best[0]:
                    best = (seconds, trainer, losses)
        _, self.trainer, self.first_losses = best
        return self.timings

    def answer(self, request):
        if request == "losses":
            return self.first_losses
        if "load" in request:
            return self.load(request)
        return self.trainer.seconds(request["steps"])
