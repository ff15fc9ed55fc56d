"""Writes real pickles and archives, and the imports of CPython itself for each, as the expectation of the scanner."""

import datetime
import decimal
import io
import json
import pathlib
import pickle
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, deque

import cloudpickle
import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
features = random.normal(size=(60, 3))
target = (features[:, 0] > 0).astype(int)


class Heard(pickle.Unpickler):
    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.names = []

    def find_class(self, module, name):
        self.names.append([module, name])
        return super().find_class(module, name)


class Evil:
    def __reduce__(self):
        return (print, ("it ran",))


values = {
    "plain": {"a": [1, 2.5, None, True, "text", b"bytes", 2**80, -3, (1,), {1, 2}, frozenset({3})]},
    "times": [datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.date(2026, 1, 2), datetime.timedelta(days=3)],
    "containers": [OrderedDict(a=1), defaultdict(list, a=[1]), deque([1]), Counter("aab")],
    "numbers": [decimal.Decimal("1.5"), uuid.UUID(int=5), complex(1, 2)],
    "arrays": [np.arange(6, dtype=np.float32).reshape(2, 3), np.float64(3.5), np.array(["a", "bb"]), np.array([1, None], dtype=object)],
    "scaler": StandardScaler().fit(features),
    "logistic": LogisticRegression().fit(features, target),
    "forest": RandomForestClassifier(n_estimators=3).fit(features, target),
    "boosting": GradientBoostingClassifier(n_estimators=3).fit(features, target),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(features, target),
}
imports = {}
for name, value in values.items():
    for protocol in range(6):
        data = pickle.dumps(value, protocol=protocol)
        path = f"{name}-{protocol}.pkl"
        (folder / path).write_bytes(data)
        loader = Heard(data)
        loader.load()
        imports[path] = loader.names
(folder / "lambda.pkl").write_bytes(cloudpickle.dumps(lambda x: x + 1))
(folder / "evil.pkl").write_bytes(pickle.dumps(Evil()))
(folder / "evil-0.txt").write_bytes(pickle.dumps(Evil(), protocol=0))
np.save(folder / "numbers.npy", features)
np.save(folder / "objects.npy", np.array([Evil()], dtype=object), allow_pickle=True)
np.savez(folder / "arrays.npz", a=features, b=target)
joblib.dump(values["logistic"], folder / "packed.joblib", compress=3)
print(json.dumps(imports))
