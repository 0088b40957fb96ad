"""Peer of bench/history.ts: the same histories by slices of memory-mapped columns, concatenated and coded in numpy."""
from time import perf_counter

from protocol import say, serve

try:
    import numpy as np
except ImportError as error:
    say({"unavailable": str(error)})
    raise SystemExit(0)

TYPES = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "f32": np.float32, "f64": np.float64}


def half_octaves(y):
    """The largest k with 2^(k/2) ≤ y."""
    return np.floor(2 * np.log2(y))


class Column:
    def __init__(self, given):
        self.values = np.memmap(given["path"], dtype=TYPES[given["type"]], mode="r")
        self.delay = given["delayMs"]
        self.table = None
        if given["table"] is not None:
            # One entry more, for codes beyond the table.
            table = np.append(np.fromfile(given["table"]).reshape(-1, 2), [[np.inf, 0]], axis=0)
            self.table = np.ascontiguousarray(table[:, 0]), table[:, 1].astype(np.int32)

    def codes(self, batch, ages, times):
        values = np.concatenate([self.values[start:end] for start, end in batch["ranges"]])
        codes = self.buckets(values) if self.table is None else self.rows(values, times)
        if self.delay is not None:
            codes[ages <= self.delay] = 0
        return codes

    def rows(self, values, times):
        admitted, rows = self.table
        at = np.minimum(values, len(rows) - 1)
        return np.where(times > admitted[at], rows[at], 0)

    def buckets(self, values):
        steps = np.minimum(63, half_octaves(1 + np.abs(values.astype(np.float64))))
        return np.where(np.isnan(values), 0, 64 + np.sign(values) * steps).astype(np.int32)


class Session:
    def load(self, request):
        self.columns = [Column(column) for column in request["columns"]]
        self.gaps = np.memmap(request["gaps"]["path"], dtype=TYPES[request["gaps"]["type"]], mode="r")
        self.unit = request["unitMs"]
        self.batches = request["batches"]

    def gather(self, batch):
        ranges = batch["ranges"]
        sums = [np.cumsum(self.gaps[start + 1 : end + 1][::-1], dtype=np.int64)[::-1] for start, end in ranges]
        ages = np.concatenate(sums) * self.unit
        times = np.repeat(batch["times"], [end - start for start, end in ranges])
        codes = [column.codes(batch, ages, times) for column in self.columns]
        return [*codes, (1 + np.minimum(55, half_octaves(1 + ages / 1000))).astype(np.int32)]

    def answer(self, request):
        if "load" in request:
            return self.load(request["load"])
        if "sums" in request:
            return [[int(codes.sum()) for codes in self.gather(batch)] for batch in self.batches]
        start = perf_counter()
        for i in range(request["count"]):
            self.gather(self.batches[i % len(self.batches)])
        return perf_counter() - start


serve(Session().answer)
