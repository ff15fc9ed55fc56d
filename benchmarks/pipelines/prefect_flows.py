"""Prefect: tasks in threads of the flow's process, their states in its own server, which the first flow starts."""

from prefect import flow, task

from rounds import layers, serve, work


@task
def step(kind):
    work(kind)


@flow
def graph(widths, kind):
    before = []
    for width in widths:
        before = [step.submit(kind, wait_for=before) for _ in range(width)]
    for future in before:
        future.result()


def run(shape, size, kind):
    widths = layers(shape, size)
    graph(widths, kind)
    return sum(widths)


if __name__ == "__main__":
    serve(run)
