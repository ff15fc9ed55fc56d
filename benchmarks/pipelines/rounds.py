"""The common part of the programs of all peers: graphs are requested by lines of JSON, and run one after the other."""

import json
import subprocess
import sys
import time


def work(kind):
    """The work of one step in each of the peers: a command without effect, or nothing at all."""
    if kind == "command":
        subprocess.run(["true"], check=True)


def serve(run):
    """Calls `run(shape, size, kind)`, which returns the number of steps, and prints the duration of each run."""
    # The output of a peer must not be mistaken for a result.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        begin = time.perf_counter()
        steps = run(request["shape"], request["size"], request["kind"])
        took = (time.perf_counter() - begin) * 1000
        print(json.dumps({"steps": steps, "wallMs": took}), file=answers, flush=True)


def layers(shape, size):
    """Returns the widths of the layers of a graph, each step of which waits for all of the previous layer."""
    if shape == "chain":
        return [1] * size
    if shape == "fan":
        return [size]
    # Five diamonds, one after the other: parallel steps, then one that waits for all of them.
    return [width for _ in range(5) for width in (size - 1, 1)]
