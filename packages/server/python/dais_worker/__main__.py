"""Holds one MLflow model and answers batches over descriptor 3 until the other side is gone."""

import ctypes
import json
import os
import signal
import socket
import sys

# Only while our own modules load: a model may bring modules of any name.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from dais_worker import frames, values  # noqa: E402

sys.path.pop(0)


def end_with_parent():
    """A batch under way would otherwise be finished for nobody."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


def describe(error):
    text = str(error).strip() or type(error).__name__
    return text if type(error).__name__ == "MlflowException" else f"{type(error).__name__}: {text}"


def main():
    end_with_parent()
    plan = json.loads(sys.argv[1])
    connection = socket.socket(fileno=3)
    connection.setblocking(True)
    try:
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model(plan["model"])
    except BaseException as error:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        frames.send_frame(connection, 0, frames.FAILED, {"message": describe(error)})
        return 1
    frames.send_frame(connection, 0, frames.READY)
    while (frame := frames.read_frame(connection)) is not None:
        frame_id, kind, header, tensors = frame
        if kind == frames.PING:
            frames.send_frame(connection, frame_id, frames.PING)
            continue
        try:
            params = header.get("parameters") or None
            data = values.to_input(tensors, plan)
            result = model.predict(data, params=params) if params else model.predict(data)
            answer = values.to_tensors(result, plan["outputs"])
            wanted = header.get("outputs")
            if wanted is not None:
                answer = [tensor for tensor in answer if tensor.name in wanted]
        except Exception as error:
            import traceback

            traceback.print_exc()
            frames.send_frame(connection, frame_id, frames.FAILED, {"message": describe(error)})
            continue
        frames.send_frame(connection, frame_id, frames.RESULT, {}, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
