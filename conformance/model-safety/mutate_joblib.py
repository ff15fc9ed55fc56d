"""Damages files of joblib that hide a call of `os.system` in their arrays, and records which names `joblib.load` and
`pickle.load` would import from each. Nothing is executed: names lead to a class that does nothing. Arguments: folder,
seed, how many.

Damaged descriptions of arrays can crash NumPy, so each batch has a separate process."""

import io
import json
import os
import pathlib
import pickle
import random
import resource
import signal
import struct
import sys
import warnings

import joblib
import numpy as np
from joblib.numpy_pickle import NumpyUnpickler

warnings.filterwarnings("ignore")
folder, seed, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
BATCH = 50
LIMIT_S = 2
HIDDEN = b'cos\nsystem\n(S"true"\ntR0' * 6 + b"N."


def originals():
    hidden = np.frombuffer(HIDDEN, dtype=np.uint8)
    late = np.frombuffer(b"K\x010" + HIDDEN, dtype=np.uint8)
    fields = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
    objects = np.array(["os", "system", None, "true"], dtype=object)
    for value in (
        hidden,
        {"x": hidden, "y": objects, "z": late},
        [objects, hidden, objects],
        {"k": fields, "m": hidden, "o": objects},
        [hidden, np.array(["a", "bbb"]), late],
        {"os": "system", "o": objects, "a": hidden},
        [np.array([hidden, late, None], dtype=object), hidden],
        {"x": hidden.astype("f4"), "y": np.arange(4).reshape(2, 2)},
    ):
        for protocol in (2, 3, 4, 5):
            file = io.BytesIO()
            joblib.dump(value, file, protocol=protocol)
            yield file.getvalue()


ORIGINALS = list(originals())
OPCODES = [
    b"0", b"1", b"2", b"b", b"}b", b"N", b"K\x00", b"h\x00", b"h\x05", b"h\x08}b", b"q\x00", b"\x94", b"(", b"t", b"u", b"s", b"R",
    b"\x81", b")", b"]", b"a", b"e", b".", b"\x80\x04", b"\x95" + struct.pack("<Q", 20), b"cos\nsystem\n", b"K\x03\x85",
    b"\x8c\x05shape", b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81",
]


def damaged(rnd, original):
    data = bytearray(original)
    for _ in range(rnd.choice((1, 1, 1, 2, 3))):
        at, way = rnd.randrange(len(data)), rnd.random()
        other = rnd.choice(ORIGINALS) if way > 0.85 else bytes(data)
        start = rnd.randrange(len(other))
        frames = [place for place in range(len(data) - 9) if data[place] == 0x95]
        if way < 0.35:
            data[at] = rnd.choice((rnd.randrange(256), data[at] ^ 1, (data[at] + 1) & 255, *b"(0.NRb}ut\x94\x81)"))
        elif way < 0.65:
            data[at:at] = rnd.choice(OPCODES)
        elif way < 0.75:
            del data[at : at + rnd.choice((1, 1, 2, 4, 9))]
        elif way < 0.93 or not frames:
            data[at:at] = other[start : start + rnd.randrange(1, 60)]
        else:
            place = rnd.choice(frames) + 1
            (length,) = struct.unpack("<Q", data[place : place + 8])
            data[place : place + 8] = struct.pack("<Q", max(0, length + rnd.choice((-30, -9, -1, 1, 9, 30))) & 0xFFFF_FFFF)
    return bytes(data)


class Nothing:
    def __new__(cls, *args, **more):
        return object.__new__(cls)

    def __init__(self, *args, **more):
        pass

    def __call__(self, *args, **more):
        return self


REAL = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("joblib.numpy_pickle", "NumpyArrayWrapper"), ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"), ("numpy._core.numeric", "_frombuffer"),
}


def recording(base):
    class Recording(base):
        def find_class(self, module, name):
            self.names.append([module, name])
            return super().find_class(module, name) if (module, name) in REAL else Nothing

    return Recording


ByJoblib, ByPickle = recording(NumpyUnpickler), recording(pickle.Unpickler)


class Late(BaseException):
    pass


def late(*_):
    raise Late


def names_of(loader):
    loader.names = []
    try:
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        try:
            loader.load()
        except BaseException:
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Late:
        pass
    return loader.names


def batch(number):
    signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rnd = random.Random(f"{seed} {number}")
    with open(folder / "names.jsonl", "a", buffering=1) as names, open(folder / "mutants", "ab", buffering=0) as mutants:
        for _ in range(BATCH):
            data = damaged(rnd, rnd.choice(ORIGINALS))
            found = {"joblib": names_of(ByJoblib("", io.BytesIO(data), True)), "pickle": names_of(ByPickle(io.BytesIO(data)))}
            mutants.write(data)
            names.write(json.dumps({"bytes": len(data), **found}) + "\n")


for number in range(count // BATCH):
    child = os.fork()
    if child == 0:
        batch(number)
        os._exit(0)
    os.waitpid(child, 0)
