"""
Dagster: a job on its own instance (SQLite). The first argument selects how its steps run: `processes`, each a process
of a fork server, as many in parallel as there are cores; or `in-process`, one after the other in the process of the
run.
"""

import sys

from dagster import (
    DagsterInstance,
    DependencyDefinition,
    GraphDefinition,
    In,
    MultiDependencyDefinition,
    Nothing,
    Out,
    build_reconstructable_job,
    execute_job,
    in_process_executor,
    multiprocess_executor,
    op,
)

from rounds import layers, serve, work

EXECUTORS = {
    "processes": multiprocess_executor.configured(
        {"start_method": {"forkserver": {"preload_modules": ["dagster", "dagster_jobs"]}}}
    ),
    "in-process": in_process_executor,
}


QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def make_op(name, kind, waits):
    @op(name=name, ins={"before": In(Nothing)} if waits else {}, out=Out(Nothing))
    def step():
        work(kind)

    return step


def make_job(shape, size, kind, executor):
    ops, dependencies, before = [], {}, []
    for depth, width in enumerate(layers(shape, size)):
        now = [f"s{depth}_{n}" for n in range(width)]
        for name in now:
            ops.append(make_op(name, kind, waits=bool(before)))
            if before:
                all_before = [DependencyDefinition(other) for other in before]
                dependencies[name] = {"before": MultiDependencyDefinition(all_before)}
        before = now
    graph = GraphDefinition(name="graph", node_defs=ops, dependencies=dependencies)
    return graph.to_job(executor_def=EXECUTORS[executor])


def main(executor):
    instance = DagsterInstance.get()

    def run(shape, size, kind):
        job = build_reconstructable_job("dagster_jobs", "make_job", (shape, size, kind, executor))
        with execute_job(job, instance=instance, run_config=QUIET) as result:
            if not result.success:
                raise RuntimeError("the job failed")
        return sum(layers(shape, size))

    serve(run)


if __name__ == "__main__":
    main(sys.argv[1])
