"""Peer of bench/step.ts: the foundation model padded, in eager PyTorch, from the same parameters on the same batches."""
from protocol import import_torch, serve

import_torch()
from foundation import Foundation  # noqa: E402
from previous import Batch  # noqa: E402
from safetensors_file import read_safetensors  # noqa: E402
from training import Session  # noqa: E402


def read(request, _):
    tensors, spec = read_safetensors(request["load"]), request["spec"]
    parameters = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")}
    model = Foundation(spec, parameters, request["heads"])
    batches = [Batch(tensors, f"batch.{i}.", spec, "padded") for i in range(request["batches"])]
    return model, model.tables, batches


serve(Session(read, ["padded"]).answer)
