"""Loads one MLflow model and predicts batches over descriptor 3 until the peer closes the connection."""

import os
import sys

# Only while the modules of the worker load: a model can contain modules of any name.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from dais_worker import process, values  # noqa: E402

sys.path.pop(0)


class Worker:
    def __init__(self, plan):
        import mlflow.pyfunc

        self.plan = plan
        self.model = mlflow.pyfunc.load_model(plan["model"])

    def respond(self, header, tensors):
        params = header.get("parameters") or None
        data = values.to_input(tensors, self.plan)
        result = self.model.predict(data, params=params) if params else self.model.predict(data)
        outputs = values.to_tensors(result, self.plan["outputs"])
        requested = header.get("outputs")
        return outputs if requested is None else [tensor for tensor in outputs if tensor.name in requested]


if __name__ == "__main__":
    sys.exit(process.serve(Worker, Worker.respond))
