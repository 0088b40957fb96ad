"""Peer of bench/train-step.ts: the same training steps in eager PyTorch, from the same parameters on the same batches."""
from protocol import import_torch, serve

import_torch()
from previous import POOLINGS, Batch, PreviousGeneration  # noqa: E402
from safetensors_file import read_safetensors  # noqa: E402
from training import Session  # noqa: E402


def read(request, pooling):
    tensors, spec = read_safetensors(request["load"]), request["spec"]
    parameters = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")}
    model = PreviousGeneration(spec, parameters, pooling)
    batches = [Batch(tensors, f"batch.{i}.", spec, pooling) for i in range(request["batches"])]
    return model, list(model.embeddings.tables.parameters()), batches


serve(Session(read, POOLINGS).answer)
