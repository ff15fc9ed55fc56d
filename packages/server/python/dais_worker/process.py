"""A process on the other side of descriptor 3: it opens what it is told, then answers one frame after the other."""

import ctypes
import json
import signal
import socket
import sys
import traceback

from dais_worker import frames


def serve(open_plan, answer):
    """Until the other side is gone. `open_plan(plan)` gives what `answer(it, header, tensors)` gets; it gives tensors."""
    _end_with_parent()
    connection = socket.socket(fileno=3)
    connection.setblocking(True)
    try:
        it = open_plan(json.loads(sys.argv[1]))
    except BaseException as error:
        _fail(connection, 0, error)
        return 1
    frames.send_frame(connection, 0, frames.READY)
    while (frame := frames.read_frame(connection)) is not None:
        frame_id, kind, header, tensors = frame
        if kind == frames.PING:
            frames.send_frame(connection, frame_id, frames.PING)
            continue
        try:
            answers = answer(it, header, tensors)
        except Exception as error:
            _fail(connection, frame_id, error)
            continue
        frames.send_frame(connection, frame_id, frames.RESULT, {}, answers)
    return 0


def _end_with_parent():
    """A batch under way would otherwise be finished for nobody."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


def _fail(connection, frame_id, error):
    traceback.print_exception(error)
    sys.stderr.flush()
    frames.send_frame(connection, frame_id, frames.FAILED, {"message": _describe(error)})


def _describe(error):
    text = str(error).strip() or type(error).__name__
    return text if type(error).__name__ == "MlflowException" else f"{type(error).__name__}: {text}"
