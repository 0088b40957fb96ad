"""The vertical model of src/model/vertical.ts in PyTorch, and the coding of src/features: one request at a time."""
import math
from bisect import bisect_left

import torch
from torch import nn
from torch.nn import functional as F

HOUR_MS = 3_600_000
DAY_MS = 86_400_000


def number_bucket(x):
    if x is None:
        return 0
    step = min(63, math.floor(2 * math.log2(1 + abs(x))))
    return 64 + (-step if x < 0 else step)


def to_float32(x):
    return torch.tensor(x, dtype=torch.float32).item()


class Vertical(nn.Module):
    """All tables in one, so that a side is one look-up; the user's part is computed once for all candidates."""

    def __init__(self, weights, spec):
        super().__init__()
        names = list(dict.fromkeys(f["table"] for group in ("contextual", "candidate", "history") for f in spec[group]))
        tables = [weights[f"tables.{name}"] for name in names]
        self.tables = nn.Parameter(torch.cat(tables))
        starts = {}
        row = 0
        for name, table in zip(names, tables):
            starts[name] = row
            row += len(table)
        self.starts = {group: [starts[f["table"]] for f in spec[group]] for group in ("contextual", "candidate", "history")}
        self.register_buffer("history_starts", torch.tensor(self.starts["history"]))
        self.event = linear(weights, "event")
        self.user_map = linear(weights, "userMap")
        self.candidate_map = linear(weights, "candidateMap")
        layers = sum(name.startswith("deep.") and name.endswith(".weight") for name in weights)
        self.deep = nn.ModuleList(linear(weights, f"deep.{i}") for i in range(layers))
        self.output = linear(weights, "output")

    def forward(self, contextual, history, known, candidate, numbers):
        """contextual [C] and candidate [B, F]: rows of the tables; history [H, E]: codes, read where known."""
        events = F.embedding(history * known + self.history_starts, self.tables).flatten(1)
        pooled = self.event(events).sum(0) / max(1, history.shape[0])
        user = self.user_map(torch.cat([F.embedding(contextual, self.tables).flatten(), pooled]))
        items = F.embedding(candidate, self.tables).flatten(1)
        hidden = F.relu(user + self.candidate_map(torch.cat([items, numbers], 1)))
        for layer in self.deep:
            hidden = F.relu(layer(hidden))
        return self.output(hidden).double().sigmoid()


def linear(weights, name):
    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer


class Coder:
    """From a request to the inputs of the model. Events are coded when they are stored."""

    def __init__(self, starts, spec, schema, ids, limit):
        self.spec = spec
        self.starts = starts
        self.limit = limit
        self.scales = {f["name"]: f.get("scale", 1) for f in spec["candidate"] + spec["history"]}
        self.kinds = {f["name"]: f["kind"] for f in schema["attributes"] + schema["outcomes"]}
        self.codes = {name: {id: i + 1 for i, id in enumerate(values)} for name, values in ids.items()}
        delays = {f["name"]: f["delayMs"] for f in schema["outcomes"]}
        self.delays = torch.tensor([delays.get(f["name"], -math.inf) for f in spec["history"]], dtype=torch.float64)
        self.age = [f["name"] for f in spec["history"]].index("@age")
        self.candidate = [(f["name"], f["table"]) for f in spec["candidate"]]
        self.users = {}

    def code(self, name, value):
        kind = self.kinds.get(name, "category")
        if kind == "number":
            return number_bucket(None if value is None else self.scales[name] * to_float32(value))
        if kind == "flag":
            return 0 if value is None else 2 if value else 1
        return self.codes[name].get(value, 0)

    def store(self, events):
        """The past of users, each in the order of time."""
        users = {}
        for event in events:
            users.setdefault(event["user"], []).append(event)
        names = [f["name"] for f in self.spec["history"]]
        for user, past in users.items():
            past.sort(key=lambda event: event["timeMs"])
            codes = [[0 if n == "@age" else self.code(n, event["facts"].get(n)) for n in names] for event in past]
            times = [event["timeMs"] for event in past]
            self.users[user] = (times, torch.tensor(times, dtype=torch.float64), torch.tensor(codes))

    def history(self, user, time):
        times, all_times, codes = self.users.get(user, ([], torch.zeros(0), torch.zeros(0, len(self.delays)).long()))
        end = bisect_left(times, time)
        begin = max(0, end - self.limit)
        ages = time - all_times[begin:end]
        history = codes[begin:end].clone()
        history[:, self.age] = 1 + torch.floor(2 * torch.log2(1 + ages / 1000)).clamp_(max=55).long()
        return history, ages.unsqueeze(1) > self.delays, end

    def contextual(self, user, time, context):
        day = time // DAY_MS
        values = {
            "user": self.codes["user"].get(user, 0),
            "surface": self.codes["surface"].get(context.get("surface"), 0),
            "@hourOfDay": 1 + time % DAY_MS // HOUR_MS,
            "@dayOfWeek": 1 + (day + 3) % 7,
        }
        rows = [start + values[f["name"]] for start, f in zip(self.starts["contextual"], self.spec["contextual"])]
        return torch.tensor(rows)

    def candidates(self, candidates, num_past):
        columns = []
        for start, feature in zip(self.starts["candidate"], self.spec["candidate"]):
            name = feature["name"]
            kind = self.kinds.get(name, "category")
            if kind == "number":
                values = torch.tensor([c[name] for c in candidates]).double()
                columns.append(start + buckets(self.scales[name] * values))
            else:
                codes = self.codes[name]
                columns.append(start + torch.tensor([codes.get(c[name], 0) for c in candidates]))
        numbers = []
        for feature in self.spec["numbers"]:
            name, mean, deviation = feature["name"], feature["mean"], feature["deviation"]
            if name == "@historyLength":
                numbers.append(torch.full((len(candidates),), (math.log1p(num_past) - mean) / deviation))
            else:
                values = torch.tensor([c[name] for c in candidates]).double()
                numbers.append(((values.sign() * values.abs().log1p() - mean) / deviation).float())
        return torch.stack(columns, 1), torch.stack(numbers, 1)

    def inputs(self, request):
        user, time = request["user"], request["time"]
        history, known, num_past = self.history(user, time)
        candidate, numbers = self.candidates(request["candidates"], num_past)
        return (self.contextual(user, time, request["context"]), history, known, candidate, numbers), num_past


def buckets(values):
    steps = torch.floor(2 * torch.log2(1 + values.abs())).clamp_(max=63)
    return (64 + torch.where(values < 0, -steps, steps)).long()
