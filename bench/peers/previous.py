"""The previous-generation model of src/model/previous.ts in PyTorch, with the same names of parameters."""
import torch
from torch import nn
from torch.nn import functional as F


class Batch:
    """A batch as a data loader would hand it over: tensors, made before anything is measured."""

    def __init__(self, tensors, prefix, spec, pooling):
        def codes(group):
            return [tensors[f"{prefix}{group}.{feature['name']}"].long() for feature in spec[group]]

        self.contextual = codes("contextual")
        self.candidate = codes("candidate")
        self.history = codes("history")
        self.numbers = tensors[prefix + "numbers"]
        self.labels = tensors[prefix + "labels"]
        self.mask = tensors[prefix + "mask"]
        self.offsets = tensors[prefix + "offsets"].long()
        lengths = self.offsets.diff()
        self.segments = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        self.present = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
        self.positions = torch.arange(int(lengths.sum()))
        if pooling == "padded":
            self.history = [self.pad(column) for column in self.history]

    def pad(self, column):
        padded = torch.zeros(self.present.shape, dtype=column.dtype)
        padded[self.present] = column
        return padded


class Mlp(nn.Module):
    def __init__(self, widths, last_bias=True):
        super().__init__()
        last = len(widths) - 2
        self.layers = nn.ModuleList(
            nn.Linear(a, b, bias=i < last or last_bias) for i, (a, b) in enumerate(zip(widths, widths[1:]))
        )

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Embeddings(nn.Module):
    def __init__(self, spec, dim):
        super().__init__()
        self.spec = spec
        rows = {}
        for feature in spec["contextual"] + spec["candidate"] + spec["history"]:
            rows[feature["table"]] = max(rows.get(feature["table"], 1), feature["cardinality"])
        self.tables = nn.ModuleDict({name: nn.Embedding(count, dim, sparse=True) for name, count in rows.items()})
        self.numbers = Mlp([len(spec["numbers"]), 2 * dim, dim])
        self.event = nn.Linear(len(spec["history"]) * dim, dim)
        self.item = nn.Linear(len(spec["candidate"]) * dim, dim)

    def look_up(self, group, columns):
        return [self.tables[feature["table"]](column) for feature, column in zip(self.spec[group], columns)]

    def forward(self, batch):
        contextual = self.look_up("contextual", batch.contextual)
        candidate = self.look_up("candidate", batch.candidate)
        history = self.look_up("history", batch.history)
        features = torch.cat([*contextual, *candidate, self.numbers(batch.numbers)], 1)
        return features, self.item(torch.cat(candidate, 1)), self.event(torch.cat(history, -1))


def pool_padded(relevance, batch, events, candidate):
    """Events [B, N, D] with padding at the end, which gets no attention."""
    item = candidate.unsqueeze(1).expand_as(events)
    scores = relevance(torch.cat([events, item, events - item, events * item], -1)).squeeze(-1)
    attention = scores.masked_fill(~batch.present, -1e9).softmax(1) * batch.present
    return torch.bmm(attention.unsqueeze(1), events).squeeze(1)


def pool_scores_padded(relevance, batch, events, candidate):
    """Events [L, D] end to end; only their scores are padded, for the softmax."""
    item = candidate[batch.segments]
    scores = relevance(torch.cat([events, item, events - item, events * item], 1)).squeeze(1)
    padded = torch.full(batch.present.shape, -1e9).masked_scatter(batch.present, scores)
    attention = padded.softmax(1)[batch.present]
    return F.embedding_bag(
        batch.positions, events, batch.offsets, mode="sum", per_sample_weights=attention, include_last_offset=True
    )


def pool_segments(relevance, batch, events, candidate):
    """Events [L, D] end to end, a softmax over segments."""
    size = len(batch.offsets) - 1
    item = candidate.index_select(0, batch.segments)
    scores = relevance(torch.cat([events, item, events - item, events * item], 1)).squeeze(1)
    largest = torch.full((size,), -1e9).scatter_reduce(0, batch.segments, scores.detach(), "amax")
    exp = (scores - largest[batch.segments]).exp()
    total = torch.zeros(size).index_add(0, batch.segments, exp)
    pooled = F.embedding_bag(
        batch.positions, events, batch.offsets, mode="sum", per_sample_weights=exp, include_last_offset=True
    )
    return pooled / total.clamp(min=1e-9).unsqueeze(1)


POOLINGS = {"padded": pool_padded, "scores-padded": pool_scores_padded, "segments": pool_segments}


class PreviousGeneration(nn.Module):
    def __init__(self, spec, parameters, pooling):
        super().__init__()
        self.pool = POOLINGS[pooling]
        dim = parameters["embeddings.item.weight"].shape[0]
        layers = sum(name.startswith("interaction.cross.") and name.endswith("up.weight") for name in parameters)
        width = (len(spec["contextual"]) + len(spec["candidate"]) + 3) * dim
        numbers = len(spec["numbers"])
        self.embeddings = Embeddings(spec, dim)
        self.encoder = nn.Module()
        hidden = parameters["encoder.relevance.layers.0.weight"].shape[0]
        # A softmax is blind to what is added to all of its scores.
        self.encoder.relevance = Mlp([4 * dim, hidden, 1], last_bias=False)
        self.interaction = nn.Module()
        self.interaction.cross = nn.ModuleList(nn.Module() for _ in range(layers))
        for layer in self.interaction.cross:
            layer.down = nn.Linear(width, 4 * dim, bias=False)
            layer.up = nn.Linear(4 * dim, width)
        self.interaction.deep = Mlp([width + numbers] + [8 * dim] * (layers + 1))
        self.heads = nn.Module()
        self.heads.mlp = Mlp([width + 8 * dim + numbers, len(spec["objectives"])])
        tables = self.embeddings.tables
        renamed = {
            f"{name}.weight" if name.removeprefix("embeddings.tables.") in tables else name: tensor
            for name, tensor in parameters.items()
        }
        self.load_state_dict(renamed)

    def forward(self, batch):
        features, candidate, events = self.embeddings(batch)
        pooled = self.pool(self.encoder.relevance, batch, events, candidate)
        x0 = torch.cat([features, candidate, pooled], 1)
        crossed = x0
        for layer in self.interaction.cross:
            crossed = torch.addcmul(crossed, x0, layer.up(layer.down(crossed)))
        deep = F.relu(self.interaction.deep(torch.cat([x0, batch.numbers], 1)))
        return self.heads.mlp(torch.cat([crossed, deep, batch.numbers], 1))
