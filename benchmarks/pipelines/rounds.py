"""What the programs of all peers have in common: graphs are asked for by lines of JSON, and run one after the other."""

import json
import subprocess
import sys
import time


def work(kind):
    """What one step does, in each of the peers: a command that does nothing, or nothing at all."""
    if kind == "command":
        subprocess.run(["true"], check=True)


def serve(run):
    """Calls `run(shape, size, kind)`, which gives how many steps ran, and tells for each how long it took."""
    # What a peer prints for people must not be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        begin = time.perf_counter()
        steps = run(asked["shape"], asked["size"], asked["kind"])
        took = (time.perf_counter() - begin) * 1000
        print(json.dumps({"steps": steps, "wallMs": took}), file=answers, flush=True)


def layers(shape, size):
    """Widths of the layers of a graph, each step of which waits for all of the layer before."""
    if shape == "chain":
        return [1] * size
    if shape == "fan":
        return [size]
    # Five diamonds, one after the other: so many steps beside each other, then one that waits for them all.
    return [width for _ in range(5) for width in (size - 1, 1)]
