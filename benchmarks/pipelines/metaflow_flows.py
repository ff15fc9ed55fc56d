"""
Metaflow: a run is a process of its command, and each step a child process, 16 in parallel by default. A flow is a
class whose source it reads, so each graph is written to a file. Mandatory steps of a flow (its first and last one,
one before each fan, one after it) count as steps.
"""

import os
import subprocess
import sys

from rounds import serve

STEP = """
    @step
    def {name}(self):
        work("{kind}")
        {next}
"""
JOIN = """
    @step
    def {name}(self, inputs):
        work("{kind}")
        {next}
"""


def flow_of(shape, size, kind):
    """Returns the source of a flow and the number of its steps."""
    steps = []

    def add(name, next_one, template=STEP):
        steps.append(template.format(name=name, kind=kind, next=next_one))

    if shape == "chain":
        names = ["start", *(f"s{n}" for n in range(size - 2)), "end"]
        for name, after in zip(names, names[1:]):
            add(name, f"self.next(self.{after})")
        count = len(names)
    else:
        diamonds, width = (1, size) if shape == "fan" else (5, size - 1)
        for n in range(diamonds):
            fan = f"self.items = list(range({width}))\n        self.next(self.work{n}, foreach='items')"
            add("start" if n == 0 else f"fan{n}", fan)
            add(f"work{n}", f"self.next(self.join{n})")
            add(f"join{n}", f"self.next(self.fan{n + 1})" if n + 1 < diamonds else "self.next(self.end)", JOIN)
        count = diamonds * (width + 2) + 1
    add("end", "pass")
    head = "from metaflow import FlowSpec, step\nfrom rounds import work\n\n\nclass Graph(FlowSpec):"
    return head + "".join(steps) + "\n\nif __name__ == '__main__':\n    Graph()\n", count


def run(shape, size, kind):
    source, count = flow_of(shape, max(size, 2), kind)
    with open("graph.py", "w", encoding="utf-8") as file:
        file.write(source)
    command = [sys.executable, "graph.py", "--quiet", "--no-pylint", "run", "--max-num-splits", "2000"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    if ended.returncode != 0:
        raise RuntimeError(ended.stdout[-2000:])
    return count


if __name__ == "__main__":
    serve(run)
