"""Parallel trainings with MLflow's own client: processes that each create a run and log to it, step by step.

training_loops.py EXPERIMENT LOOPS STEPS
"""

import json
import multiprocessing
import sys
import time

import mlflow

experiment, loops, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def train(number, ready, results):
    ready.wait()
    took = []
    with mlflow.start_run(experiment_id=experiment):
        mlflow.log_params({f"p{n}": n * number for n in range(10)})
        for step in range(steps):
            metrics = {f"m{n}": 1 / (step + n + 1) for n in range(5)}
            begin = time.perf_counter()
            mlflow.log_metrics(metrics, step=step)
            took.append((time.perf_counter() - begin) * 1000)
    results.put(took)


# One import for all: none of them has connected to the server yet.
context = multiprocessing.get_context("fork")
ready, results = context.Event(), context.SimpleQueue()
processes = [context.Process(target=train, args=(number, ready, results)) for number in range(loops)]
for process in processes:
    process.start()
begin = time.perf_counter()
ready.set()
took = []
for process in processes:
    process.join()
    if process.exitcode != 0:
        sys.exit(f"a training ended with {process.exitcode}")
    took += results.get()
print(json.dumps({"seconds": time.perf_counter() - begin, "took": took}))
