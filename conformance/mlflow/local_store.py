"""A training that logs into the store of MLFLOW_TRACKING_URI: local_store.py FROM TO [RUN_ID].

Logs the steps FROM to TO into a new run, or into an existing one, and prints its id.
"""

import sys

import mlflow

first, last = int(sys.argv[1]), int(sys.argv[2])
run_id = sys.argv[3] if len(sys.argv) > 3 else None
mlflow.set_experiment("local")
with mlflow.start_run(run_id=run_id, run_name=None if run_id else "fallback") as run:
    if run_id is None:
        mlflow.log_params({"lr": 0.1, "net/depth": 3})
        mlflow.log_text("artifact", "notes/a.txt")
    for step in range(first, last):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    print(run.info.run_id)
