"""Peer of bench/attention.ts: the same attention in eager PyTorch, by the fastest way found among these: padded to the longest
example, in groups of like lengths padded to the longest of each, or example by example without padding; by hand, and by
scaled_dot_product_attention where PyTorch has it. Padding and grouping are not timed."""
from time import perf_counter

from protocol import import_torch, serve

torch = import_torch()
from safetensors_file import read_safetensors  # noqa: E402


def fill(scores, empty):
    return scores.masked_fill(empty, float("-inf")).softmax(-1)


def fill_in_place(scores, empty):
    return scores.masked_fill_(empty, float("-inf")).softmax(-1)


class Way:
    """One way to write it: batched products of four axes, or of three with the scale inside, and how it masks."""

    def __init__(self, session, flat, mask):
        self.session, self.flat, self.mask = session, flat, mask

    def forward(self, q, k, v):
        heads, scale = q.shape[1], q.shape[-1] ** -0.5
        empty = self.session.empty  # [B, 1, 1, N]
        if not self.flat:
            weights = self.mask(torch.matmul(q, k.transpose(-2, -1)).mul(scale), empty)
            return torch.matmul(weights, v)
        rows = [x.flatten(0, 1) for x in (q, k, v)]
        zero = torch.zeros((), dtype=q.dtype).expand(1, 1, 1)
        scores = torch.baddbmm(zero, rows[0], rows[1].transpose(1, 2), beta=0, alpha=scale)
        weights = self.mask(scores.unflatten(0, (-1, heads)), empty).flatten(0, 1)
        return torch.bmm(weights, rows[2]).unflatten(0, (-1, heads))

    def step(self):
        leaves = [x.requires_grad_() for x in self.session.padded]
        y = self.forward(*leaves)
        return y, torch.autograd.grad(y, leaves, self.session.cotangent)

    def results(self):
        y, gradients = self.step()
        return [y.detach(), *gradients]

    def seconds(self, count):
        start = perf_counter()
        for _ in range(count):
            self.step()
        return perf_counter() - start


def by_hand(q, k, v, empty):
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-2, -1))
    if empty is not None:
        scores = scores.masked_fill(empty, float("-inf"))
    return torch.matmul(scores.softmax(-1), v)


def by_sdpa(q, k, v, empty):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, None if empty is None else ~empty)


class Groups:
    """Groups of examples of like lengths, each padded to its own longest; with as many groups as examples nothing is padded."""

    def __init__(self, session, count, attend):
        self.session, self.attend = session, attend
        order = session.lengths.argsort()
        self.parts = [part for part in order.chunk(count) if len(part) > 0]
        self.tensors = [[self.cut(x, part) for x in (*session.padded, session.cotangent)] for part in self.parts]
        self.empties = [self.empty_of(part) for part in self.parts]

    def cut(self, padded, part):
        longest = int(self.session.lengths[part].max())
        return padded[part, :, :longest].contiguous()

    def empty_of(self, part):
        lengths = self.session.lengths[part]
        longest = int(lengths.max())
        if bool((lengths == longest).all()):
            return None
        return ~(torch.arange(longest) < lengths.unsqueeze(1))[:, None, None, :]

    def step(self):
        done = []
        for (q, k, v, cotangent), empty in zip(self.tensors, self.empties):
            leaves = [x.requires_grad_() for x in (q, k, v)]
            y = self.attend(*leaves, empty)
            done.append((y, torch.autograd.grad(y, leaves, cotangent)))
        return done

    def results(self):
        """The result and the gradients as rows of the padded form."""
        session = self.session
        whole = [torch.zeros_like(session.cotangent) for _ in range(4)]
        for part, (y, gradients) in zip(self.parts, self.step()):
            for target, values in zip(whole, (y.detach(), *gradients)):
                target[part, :, : values.shape[2]] = values
        return whole

    def seconds(self, count):
        start = perf_counter()
        for _ in range(count):
            self.step()
        return perf_counter() - start


class Session:
    def pad(self, values):
        """[L, H, d] → [B, H, N, d]"""
        rows = torch.zeros((*self.present.shape, *values.shape[1:]), dtype=values.dtype)
        rows[self.present] = values
        return rows.transpose(1, 2).contiguous()

    def ways(self):
        """Each way by its name."""
        padded = {
            f"padded{', flat' * flat}, {mask.__name__}": Way(self, flat, mask)
            for flat in (False, True)
            for mask in (fill, fill_in_place)
        }
        attends = {"by hand": by_hand}
        if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
            attends["sdpa"] = by_sdpa
        counts = {"one by one": len(self.lengths), "16 groups": 16, "all padded": 1}
        groups = {
            f"{grouping}, {name}": Groups(self, count, attend)
            for grouping, count in counts.items()
            for name, attend in attends.items()
        }
        return {**padded, **groups}

    def load(self, path):
        tensors = read_safetensors(path)
        self.lengths = lengths = tensors["lengths"].long()
        self.present = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
        self.empty = ~self.present[:, None, None, :]
        self.padded = [self.pad(tensors[name]) for name in ("query", "key", "value")]
        self.cotangent = self.pad(tensors["cotangent"])
        timings = {name: (min(way.seconds(1) for _ in range(2)), way) for name, way in self.ways().items()}
        self.way = min(timings.values(), key=lambda timing: timing[0])[1]
        mine = [x.transpose(1, 2)[self.present] for x in self.way.results()]
        theirs = [tensors[f"result.{i}"] for i in range(4)]
        differences = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(theirs, mine)]
        return {"differences": differences, "ways": {name: 1e3 * seconds for name, (seconds, _) in timings.items()}}

    def answer(self, request):
        return self.load(request["load"]) if "load" in request else self.way.seconds(request["count"])


serve(Session().answer)
