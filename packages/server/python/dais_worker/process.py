"""The worker side of the connection on descriptor 3: opens a plan, then processes frames in order."""

import ctypes
import json
import signal
import socket
import sys
import traceback

from dais_worker import frames


def serve(open_plan, respond):
    """Serves until the peer closes the connection. `open_plan(plan)` returns the worker; `respond(worker, header, tensors)` returns tensors."""
    _end_with_parent()
    connection = socket.socket(fileno=3)
    connection.setblocking(True)
    try:
        worker = open_plan(json.loads(sys.argv[1]))
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
            results = respond(worker, header, tensors)
        except Exception as error:
            _fail(connection, frame_id, error)
            continue
        frames.send_frame(connection, frame_id, frames.RESULT, {}, results)
    return 0


def _end_with_parent():
    """Ends with the parent process: nobody would read the result of a running batch."""
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
