"""kfp.local: each component is a Python process; nothing is installed for it, because its environment is complete."""

import logging
import sys

from kfp import dsl, local

from rounds import layers, serve

local.init(runner=local.SubprocessRunner(use_venv=False), raise_on_error=True)
logging.disable(logging.CRITICAL)


@dsl.component(install_kfp_package=False)
def command():
    import subprocess

    subprocess.run(["true"], check=True)


@dsl.component(install_kfp_package=False)
def nothing():
    pass


def run(shape, size, kind):
    component = command if kind == "command" else nothing
    widths = layers(shape, size)

    @dsl.pipeline(name="graph")
    def graph():
        before = []
        for width in widths:
            now = [component() for _ in range(width)]
            for task in now:
                if before:
                    task.after(*before)
            before = now

    graph()
    return sum(widths)


if __name__ == "__main__":
    serve(run)
