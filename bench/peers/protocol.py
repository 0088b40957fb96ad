"""How a peer talks to the harness: one JSON request per line in, one {"value": …} or {"error": …} per line out."""
import json
import platform
import sys


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def import_torch():
    """torch with the number of threads of the command line; says so and ends if it is not installed."""
    try:
        import numpy  # noqa: F401
        import torch
    except ImportError as error:
        say({"unavailable": str(error)})
        sys.exit(0)
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    return torch


def versions():
    """What this peer runs on, by name."""
    loaded = {name: sys.modules[name].__version__ for name in ("torch", "numpy") if name in sys.modules}
    return {"python": platform.python_version(), **loaded}


def serve(answer):
    """Says what it runs on, then answers requests until the harness closes the input."""
    say({"value": versions()})
    for line in sys.stdin:
        try:
            say({"value": answer(json.loads(line))})
        except Exception as error:  # The harness reports it and ends.
            say({"error": f"{type(error).__name__}: {error}"})
