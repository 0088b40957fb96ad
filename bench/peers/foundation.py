"""The foundation model of src/model/foundation/foundation.ts in PyTorch, histories padded, with the same names of parameters."""
import math

import torch
from torch import nn
from torch.nn import functional as F

CLS, RECENT = 4, 2
SHARPNESS = 4
GAIN = 4
ROTARY_BASE = 1000


class Foundation(nn.Module):
    def __init__(self, spec, parameters, num_heads):
        super().__init__()
        self.spec = spec
        self.num_heads = num_heads
        # A plain dict: looking parameters up by name must cost nothing beside the arithmetic.
        self.weights = {name: nn.Parameter(tensor) for name, tensor in parameters.items()}
        self.held = nn.ParameterList(self.weights.values())
        self.num_layers = 1 + max(int(name.split(".")[1]) for name in parameters if name.startswith("layers."))
        prefix = "embeddings.tables."
        self.table_of = {name[len(prefix) :]: w for name, w in self.weights.items() if name.startswith(prefix)}
        self.tables = list(self.table_of.values())
        # Of each feature, where the history has one of the same table.
        past = [f["table"] for f in spec["history"]]
        tables = [f["table"] for f in [*spec["contextual"], *spec["candidate"]]]
        self.shared = [past.index(table) if table in past else None for table in tables]
        # What only the history has.
        self.told = [h for h, table in enumerate(past) if table not in tables]
        owners = [name.split(".layers.") for name in parameters if name.endswith("weight") and ".layers." in name]
        paths = [".layers.".join(parts[:-1]) for parts in owners]
        self.depth_of = {path: paths.count(path) for path in paths}

    def linear(self, x, name):
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def mlp(self, x, name):
        for i in range(self.depth_of[name]):
            x = self.linear(x if i == 0 else F.relu(x), f"{name}.layers.{i}")
        return x

    def norm(self, x, name, eps=1e-5):
        scale = self.weights[f"{name}.scale"]
        return F.layer_norm(x, scale.shape, scale, self.weights[f"{name}.shift"], eps)

    def compress(self, x, name):
        return self.linear(x.transpose(1, 2), f"{name}.map").transpose(1, 2)

    def look_up(self, group, columns):
        features = self.spec[group]
        return [F.embedding(c, self.table_of[f["table"]], sparse=True) for f, c in zip(features, columns)]

    def embed(self, batch):
        contextual = self.look_up("contextual", batch.contextual)
        candidate = self.look_up("candidate", batch.candidate)
        history = self.look_up("history", batch.history)
        numbers = self.mlp(batch.numbers, "embeddings.numbers")
        features = torch.stack([*contextual, *candidate, numbers], 1)
        item = self.linear(torch.cat(candidate, 1), "embeddings.item")
        own, past = zip(*((e, history[h]) for e, h in zip([*contextual, *candidate], self.shared) if h is not None))
        told = torch.cat([self.unit(history[h]) for h in self.told], -1)
        compared = torch.stack(own, 1), torch.stack(past, 2), told
        return features, item, self.linear(torch.cat(history, -1), "embeddings.event"), compared

    def rotate(self, x):
        width = x.shape[-1]
        frequencies = torch.exp(torch.arange(0, width, 2, dtype=x.dtype) * (-math.log(ROTARY_BASE) / width))
        angles = torch.arange(x.shape[-2], dtype=x.dtype).unsqueeze(1) * frequencies
        a, b = x[..., 0::2], x[..., 1::2]
        cos, sin = angles.cos(), angles.sin()
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)

    def attend(self, x, present, name):
        size, length, dim = x.shape

        def heads(part):
            return self.linear(x, f"{name}.{part}").view(size, length, self.num_heads, -1).transpose(1, 2)

        q, k, v = self.rotate(heads("query")), self.rotate(heads("key")), heads("value")
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = scores.masked_fill(~present[:, None, None, :], -math.inf).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(size, length, dim)
        return self.linear(mixed, f"{name}.output")

    def pool(self, x, present, name):
        size, length, dim = x.shape
        queries = self.weights[f"{name}.queries"].view(-1, self.num_heads, dim // self.num_heads).transpose(0, 1)
        keys, values = (
            self.linear(x, f"{name}.{part}").view(size, length, self.num_heads, -1).transpose(1, 2)
            for part in ("key", "value")
        )
        scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
        weights = scores.masked_fill(~present[:, None, None, :], -math.inf).softmax(-1)
        return self.linear((weights @ values).transpose(1, 2).flatten(2), f"{name}.output")

    def gate(self, x, name):
        return torch.sigmoid(self.mlp(x, f"{name}.gate")) * x

    def cross(self, features, sequence, present, lengths, name):
        history = f"{name}.histories.0"
        sequence = self.norm(sequence, f"{history}.norm", 0.01)
        places = (lengths.unsqueeze(1) + torch.arange(-RECENT, 0)).unsqueeze(2)
        recent = sequence.gather(1, places.expand(-1, -1, sequence.shape[2])) * (places >= CLS)
        pieces = [sequence[:, :CLS], self.pool(sequence, present, f"{history}.pooling"), recent]
        x_sum = self.gate(self.compress(features, f"{name}.features.compress"), f"{name}.features.gate")
        return x_sum, self.gate(torch.cat(pieces, 1), f"{history}.gate")

    def unit(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)

    def scaled(self, x):
        return self.unit(x) * self.weights["candidate.attributeNorm.scale"]

    def look_at(self, own, past, told, present):
        size, length, _ = told.shape
        dim = own.shape[2]
        asked = self.scaled(own) * self.weights["candidate.sharpness"].unsqueeze(1) / dim
        alike = (self.scaled(past).transpose(1, 2) @ asked.unsqueeze(3)).squeeze(3)
        scores = (alike + self.linear(told, "candidate.importance").transpose(1, 2)).masked_fill(~present[:, None, :], -math.inf)
        prior, prior_value = self.weights["candidate.prior"], self.weights["candidate.priorValue"]
        heads = len(prior)
        weights = (SHARPNESS * torch.cat([prior.view(1, -1, 1).expand(size, -1, -1), scores], 2)).softmax(-1)
        values = torch.cat([prior_value.expand(size, 1, -1), self.linear(told, "candidate.value")], 1)
        values = values.view(size, length + 1, -1, heads).permute(0, 3, 1, 2)
        return GAIN * (weights.unsqueeze(2) @ values).squeeze(2).transpose(1, 2).flatten(1)

    def interact(self, x, name):
        size, tokens, dim = x.shape
        block = f"{name}.interact"
        factor = self.mlp(self.compress(x, f"{block}.compress").flatten(1), f"{block}.factor").view(size, tokens, -1)
        products = (x @ (x.transpose(1, 2) @ factor)).flatten(1)
        made = self.mlp(self.norm(products, f"{block}.norm"), f"{block}.mix").view(size, -1, dim)
        both = torch.cat([made, self.compress(x, f"{name}.compress")], 1)
        has_map = f"{name}.residual.map.weight" in self.weights
        return self.norm(both + (self.compress(x, f"{name}.residual") if has_map else x), f"{name}.norm")

    def advance(self, s, present, summary, name):
        def heads(rows, part):
            mapped = self.linear(rows, f"{name}.feedForward.{part}")
            return mapped.view(*rows.shape[:2], self.num_heads, -1).transpose(1, 2)

        query = heads(self.norm(s, f"{name}.feedForwardNorm"), "query")
        keys, values = (heads(summary, part) for part in ("key", "value"))
        seen = F.silu(query @ keys.transpose(2, 3) / math.sqrt(query.shape[3])) @ values
        s = s + seen.transpose(1, 2).flatten(2)
        return s + self.attend(self.norm(s, f"{name}.attentionNorm"), present, f"{name}.attention")

    def forward(self, batch):
        x, candidate, events, compared = self.embed(batch)
        first = x
        s = torch.cat([self.compress(x, "cls.0"), events], 1)
        present = torch.cat([torch.ones(len(x), CLS, dtype=torch.bool), batch.present], 1)
        lengths = batch.offsets.diff() + CLS
        for layer in range(self.num_layers):
            name = f"layers.{layer}"
            x_sum, s_sum = self.cross(x, s, present, lengths, f"{name}.cross")
            x, s = (
                self.interact(torch.cat([x, s_sum], 1), f"{name}.interaction"),
                self.advance(s, present, x_sum, f"{name}.sequences.0"),
            )
        x_sum, s_sum = self.cross(x, s, present, lengths, "taps.0")
        seen = self.look_at(*compared, batch.present)
        inputs = torch.cat([first.flatten(1), x_sum.flatten(1), s_sum.flatten(1), candidate, seen, batch.numbers], 1)
        return torch.cat([self.mlp(inputs, f"heads.shared.{t}") for t in range(len(self.spec["objectives"]))], 1)
