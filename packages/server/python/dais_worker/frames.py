"""The Python counterpart of packages/server/src/engines/inference/frames.ts: frames over a pair of connected sockets."""

import json
import struct

import numpy as np

READY, INFER, RESULT, FAILED, PING = 1, 2, 3, 4, 5

_PRELUDE = struct.Struct("<IIII")
_DTYPES = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_NAMES = {(dtype.kind, dtype.itemsize): name for name, dtype in _DTYPES.items()}


class Tensor:
    """`data`: an array of numbers, or of bytes objects with dtype object. `nulls`: a mask of missing values, or None."""

    def __init__(self, name, data, nulls=None):
        self.name = name
        self.data = data
        self.nulls = nulls


def datatype_of(dtype):
    """Returns the name of a numpy dtype, or None if frames do not support it."""
    return _NAMES.get((dtype.kind, dtype.itemsize))


def read_frame(socket):
    """Returns id, kind, header and tensors; None after the peer closed the connection."""
    head = _read(socket, _PRELUDE.size)
    if head is None:
        return None
    length, frame_id, kind, header_length = _PRELUDE.unpack(head)
    body = _read(socket, length)
    if body is None:
        return None
    header = json.loads(bytes(memoryview(body)[:header_length]))
    at = header_length
    tensors = []
    for name, datatype, shape, size, has_nulls in header.pop("tensors", []):
        count = int(np.prod(shape, dtype=np.int64))
        if datatype == "BYTES":
            data = _texts(body, at, count).reshape(shape)
        else:
            data = np.frombuffer(body, _DTYPES[datatype], count, at).reshape(shape)
        at += size + (-size & 7)
        nulls = None
        if has_nulls:
            nulls = np.frombuffer(body, np.dtype("?"), count, at).reshape(shape)
            at += count + (-count & 7)
        tensors.append(Tensor(name, data, nulls))
    return frame_id, kind, header, tensors


def send_frame(socket, frame_id, kind, header=None, tensors=()):
    entries, pieces = [], []

    def add(piece, size):
        pieces.append(piece)
        if size % 8:
            pieces.append(b"\0" * (-size & 7))

    for tensor in tensors:
        data = tensor.data
        if data.dtype == object:
            piece, datatype = _text_bytes(data.ravel()), "BYTES"
            size = len(piece)
        else:
            datatype = datatype_of(data.dtype)
            data = np.ascontiguousarray(data, _DTYPES[datatype])
            piece, size = data.reshape(-1).view(np.uint8).data, data.nbytes
        entries.append([tensor.name, datatype, list(tensor.data.shape), size, 0 if tensor.nulls is None else 1])
        add(piece, size)
        if tensor.nulls is not None:
            nulls = np.ascontiguousarray(tensor.nulls, np.uint8)
            add(nulls.data, nulls.nbytes)
    text = json.dumps({**(header or {}), "tensors": entries}).encode()
    text += b" " * (-len(text) & 7)
    length = len(text) + sum(len(memoryview(piece).cast("B")) for piece in pieces)
    head = _PRELUDE.pack(length, frame_id, kind, len(text)) + text
    if length < 65_536:
        socket.sendall(b"".join([head, *pieces]))
        return
    socket.sendall(head)
    for piece in pieces:
        socket.sendall(piece)


def _read(socket, size):
    """Returns a buffer that numpy can take views of: its tensors are aligned to 8 bytes."""
    body = bytearray(size)
    view = memoryview(body)
    received = 0
    while received < size:
        count = socket.recv_into(view[received:])
        if count == 0:
            return None
        received += count
    return body


def _texts(body, at, count):
    offsets = np.frombuffer(body, np.dtype("<u4"), count + 1, at).tolist()
    start = at + 4 * (count + 1)
    texts = np.empty(count, dtype=object)
    for index in range(count):
        texts[index] = bytes(body[start + offsets[index] : start + offsets[index + 1]])
    return texts


def _text_bytes(values):
    offsets = np.zeros(len(values) + 1, dtype="<u4")
    np.cumsum([len(value) for value in values], out=offsets[1:])
    return offsets.tobytes() + b"".join(values)
