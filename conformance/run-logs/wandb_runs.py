"""Writes offline runs of Weights & Biases into a folder: wandb_runs.py FOLDER."""

import os
import sys

os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"

import numpy as np
import wandb

folder = sys.argv[1]
settings = wandb.Settings(x_stats_sampling_interval=1.0)

run = wandb.init(
    project="flights",
    name="first",
    group="baseline",
    job_type="train",
    tags=["a", "b"],
    notes="a note",
    config={"lr": 0.1, "net": {"depth": 3, "units": [8, 4]}, "kind": "text"},
    dir=folder,
    settings=settings,
)
for step in range(1500):
    run.log({"loss": 1 / (step + 1), "opt": {"lr": 0.1 * step}})
run.log(
    {
        "image": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8), caption="black"),
        "histogram": wandb.Histogram([1, 2, 3]),
        "table": wandb.Table(columns=["a"], data=[[1]]),
        "not a number": float("nan"),
        "endless": float("inf"),
    }
)
run.define_metric("val/*", step_metric="epoch")
run.log({"val/loss": 0.5, "epoch": 1})
run.summary["best"] = 0.25
run.config.update({"later": 5})
print(run.id)
run.finish()

failing = wandb.init(project="flights", name="second", dir=folder, settings=settings)
failing.log({"loss": 2.0})
print(failing.id)
failing.finish(exit_code=1)
