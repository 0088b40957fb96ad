"""Peer of bench/train-step.ts: the same training steps in eager PyTorch, from the same parameters on the same batches."""
from time import perf_counter

from protocol import import_torch, serve

torch = import_torch()
from previous import POOLINGS, Batch, PreviousGeneration  # noqa: E402
from safetensors_file import read_safetensors  # noqa: E402
from torch.nn import functional as F  # noqa: E402

ADAGRAD_EPS = 1e-8


class Trainer:
    """A model, its optimizers, and the batches it goes through again and again."""

    def __init__(self, inputs, pooling, foreach):
        tensors, spec, training, num_batches = inputs
        parameters = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")}
        self.model = PreviousGeneration(spec, parameters, pooling)
        self.batches = [Batch(tensors, f"batch.{i}.", spec, pooling) for i in range(num_batches)]
        self.tables = list(self.model.embeddings.tables.parameters())
        self.moments = [torch.zeros(table.shape[0]) for table in self.tables]
        sparse = {id(table) for table in self.tables}
        self.dense = [p for p in self.model.parameters() if id(p) not in sparse]
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
        self.step_tables()
        return loss.item()

    @torch.no_grad()
    def step_tables(self):
        """Row-wise Adagrad on the rows that the batch touched."""
        for table, moments in zip(self.tables, self.moments):
            gradient = table.grad.coalesce()
            table.grad = None
            rows, values = gradient.indices()[0], gradient.values()
            updated = moments[rows] + values.square().mean(1)
            moments[rows] = updated
            scale = updated.sqrt_().add_(ADAGRAD_EPS).reciprocal_().mul_(-self.table_learning_rate)
            table[rows] = table[rows].addcmul_(values, scale.unsqueeze(1))

    def losses(self):
        return [self.step() for _ in self.batches]

    def seconds(self, steps):
        start = perf_counter()
        for _ in range(steps):
            self.step()
        return perf_counter() - start


class Session:
    """Where PyTorch offers more than one way, all are tried and the fastest is measured."""

    def load(self, request):
        inputs = (read_safetensors(request["load"]), request["spec"], request["training"], request["batches"])
        ways = [(pooling, foreach) for pooling in POOLINGS for foreach in (False, True)]
        self.timings = {}
        best = None
        for way in ways:
            trainer = Trainer(inputs, *way)
            losses = trainer.losses()
            seconds = min(trainer.seconds(5) for _ in range(4))
            self.timings[str(way)] = seconds
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


serve(Session().answer)
