"""Loads one MLflow model. Over descriptor 3 it returns test rows with their predictions, and the model as ONNX."""

import json
import os
import sys
import warnings

# Only while the modules of the worker load: a model can contain modules of any name.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from dais_worker import frames, process, values  # noqa: E402
from dais_worker.converter import graph, rows  # noqa: E402

sys.path.pop(0)


class Converter:
    def __init__(self, plan):
        import mlflow.pyfunc

        self.plan = plan
        self.model = mlflow.pyfunc.load_model(plan["model"])
        self.native = graph.load_native(plan["model"], plan["flavor"])
        self.expected = None

    def rows(self):
        """Returns rows of the input example, then random rows, with the predictions of the model."""
        predict = self._predict_function()
        table, examples = rows.accepted_rows(self.model, self.native, self.plan, predict)
        result = predict(table)
        if hasattr(result, "columns"):
            raise ValueError("the model returns a table with several columns, which a converted model cannot return")
        self.expected = values.to_tensors(result, self.plan["outputs"])
        about = {"examples": examples, "columns": rows.as_json(table), "attempts": graph.attempts(self.native, self.plan)}
        return [*self.expected, _text("rows", about)]

    def convert(self, attempt):
        # A separate copy: converters modify their input.
        native = graph.load_native(self.plan["model"], self.plan["flavor"])
        model = graph.converted(native, self.plan, attempt, self.expected[0])
        return [_bytes("model", model.SerializeToString()), _text("report", graph.report(native, model))]

    def respond(self, header, _):
        request = header.get("parameters") or {}
        return self.convert(request["attempt"]) if "attempt" in request else self.rows()

    def _predict_function(self):
        method = self.plan["predictFn"]
        if method == self.plan["own"]:
            return self.model.predict
        if not hasattr(self.native, method):
            raise ValueError(f"{type(self.native).__name__} has no method {method}")
        return getattr(self.native, method)


def _bytes(name, value):
    import numpy as np

    data = np.empty(1, dtype=object)
    data[0] = value
    return frames.Tensor(name, data)


def _text(name, value):
    return _bytes(name, json.dumps(value).encode())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(process.serve(Converter, Converter.respond))
