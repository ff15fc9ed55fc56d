"""A notebook in a real Jupyter kernel that logs to the server at MLFLOW_TRACKING_URI; prints the output of its cells.

Cells run one by one as for a user: a run stays open over several of them, one of them fails, the kernel is restarted
and continues the same run.
"""

import json

import mlflow
import nbformat
from nbclient import NotebookClient

BEFORE = [
    """
import mlflow
mlflow.set_experiment("notebook")
run = mlflow.start_run(run_name="over several cells")
print(run.info.run_id)
""",
    """
for step in range(50):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
mlflow.log_param("cells", 3)
""",
    """
from sklearn.linear_model import LinearRegression
mlflow.sklearn.autolog(log_models=False)
LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
mlflow.end_run()
""",
    """
with mlflow.start_run(run_name="fails"):
    mlflow.log_metric("before", 1)
    raise ValueError("as a cell does")
""",
]

# %env and !, as users write them; displays are sent in the kernel's own messages.
AFTER = """
%env MLFLOW_EXPERIMENT_NAME=notebook
!echo from the shell
import mlflow
with mlflow.start_run(run_id="RUN"):
    mlflow.log_metric("loss", 0.01, step=50)
    mlflow.log_dict({"kept": True}, "after/restart.json")
found = mlflow.search_runs(order_by=["attributes.start_time ASC"])
display(found[["tags.mlflow.runName", "status"]])
"""


def executed(*sources):
    """Returns the cells after a new kernel has run them and ended."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in sources])
    NotebookClient(notebook, kernel_name="python3", timeout=300, allow_errors=True).execute()
    nbformat.validate(notebook)
    return notebook.cells


def text(cell):
    return "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream")


def errors(cells):
    return [output.ename for cell in cells for output in cell.outputs if output.output_type == "error"]


def main():
    cells = executed(*BEFORE)
    assert errors(cells) == ["ValueError"], errors(cells)
    run_id = text(cells[0]).strip().splitlines()[-1]
    [last] = executed(AFTER.replace("RUN", run_id))
    assert errors([last]) == [], last.outputs
    assert "from the shell" in text(last)
    [shown] = [output.data["text/html"] for output in last.outputs if output.output_type == "display_data"]
    assert "over several cells" in shown and "FAILED" in shown

    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    where = [run.info.experiment_id]
    history = client.get_metric_history(run_id, "loss")
    print(
        json.dumps(
            {
                "status": run.info.status,
                "points": len(history),
                "last": run.data.metrics["loss"],
                "params": {"cells": run.data.params["cells"], "fit_intercept": run.data.params["fit_intercept"]},
                "kept": mlflow.artifacts.load_dict(f"runs:/{run_id}/after/restart.json"),
                "failed": [one.info.run_name for one in client.search_runs(where, "attributes.status = 'FAILED'")],
            }
        )
    )


if __name__ == "__main__":
    main()
