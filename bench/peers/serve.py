"""Peer of bench/serve.ts: the same model behind the standard library's HTTP server, with the past in memory."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter

from protocol import import_torch, serve

torch = import_torch()
from safetensors_file import read_safetensors  # noqa: E402
from vertical import Coder, Vertical  # noqa: E402


class Ranker:
    def __init__(self, load):
        spec = load["spec"]
        model = Vertical(read_safetensors(load["weights"]), spec).eval()
        self.coder = Coder(model.starts, spec, load["schema"], load["ids"], load["history"])
        with open(load["events"]) as lines:
            self.coder.store([json.loads(line) for line in lines])
        self.objectives = spec["objectives"]
        self.ways = {"eager": model, "scripted": torch.jit.optimize_for_inference(torch.jit.script(model))}
        self.timings = {}
        sample = [text.encode() for text in load["sample"]]
        for name, way in self.ways.items():
            self.model = way
            for _ in range(3):
                start = perf_counter()
                for body in sample:
                    self.rank(body)
                self.timings[name] = 1000 * (perf_counter() - start) / len(sample)
        self.model = self.ways[min(self.timings, key=self.timings.get)]

    def rank(self, body):
        request = json.loads(body)
        candidates = request["candidates"]
        with torch.inference_mode():
            inputs, num_past = self.coder.inputs(request)
            rows = self.model(*inputs).tolist()
        ranked = []
        for index, row in enumerate(rows):
            probabilities = dict(zip(self.objectives, row))
            value = sum(bid * probabilities[name] for name, bid in candidates[index]["bids"].items())
            ranked.append({"index": index, "probabilities": probabilities, "expectedValue": value})
        # Stable: equal ones stay in the order of the request.
        ranked.sort(key=lambda each: -each["expectedValue"])
        answer = {"model": "bench", "version": "1", "numPast": num_past, "ranked": ranked}
        return json.dumps(answer, separators=(",", ":")).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # By default the head of an answer is a packet of its own, and the rest waits for its acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    ranker = None

    def do_POST(self):
        try:
            status, answer = 200, self.ranker.rank(self.rfile.read(int(self.headers["Content-Length"])))
        except Exception as error:
            status, answer = 400, json.dumps({"error": str(error)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def answer(request):
    Handler.ranker = Ranker(request)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"port": server.server_port, "timings": Handler.ranker.timings}


serve(answer)
