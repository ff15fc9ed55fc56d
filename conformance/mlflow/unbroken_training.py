"""A training that logs with MLflow's asynchronous logging: unbroken_training.py STEPS SECONDS_PER_STEP.

Prints `started RUN_ID`, then one JSON object with the longest logging call in seconds and the failures at the end.
"""

import json
import sys
import time

import mlflow

steps, pause = int(sys.argv[1]), float(sys.argv[2])
mlflow.config.enable_async_logging()
mlflow.set_experiment("unbroken")
run = mlflow.start_run()
print(f"started {run.info.run_id}", flush=True)

longest = 0.0
for step in range(steps):
    before = time.perf_counter()
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_params({f"p{step}": step})
    longest = max(longest, time.perf_counter() - before)
    time.sleep(pause)
trained = time.perf_counter()

failure = None
try:
    mlflow.flush_async_logging()
    mlflow.end_run()
except Exception as error:
    # The training has its result: it continues without its run.
    failure = f"{type(error).__name__}: {error}"[:300]
print(json.dumps({"longest": longest, "failure": failure, "end": time.perf_counter() - trained}), flush=True)
