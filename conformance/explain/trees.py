"""Trains tree ensembles with every usual library, exports them as ONNX, and prints the values of `shap` for their rows.

Writes into the folder of the first argument one `NAME.onnx` each, and prints JSON: for every model its rows, its
background rows, the raw sums that the library itself predicts, and the interventional Shapley values of `shap`.
"""

import json
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import onnxmltools
import shap
import skl2onnx
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

warnings.filterwarnings("ignore")
FEATURES = 12
ROWS = 40
BACKGROUND = 20


def data():
    random = np.random.default_rng(20261127)
    # Multiples of 1/64: exact in float32, so that a row is on the same side of a split in both widths.
    x = np.round(random.normal(size=(1500, FEATURES)) * 64) / 64
    y = 2 * x[:, 0] + np.sin(3 * x[:, 1]) * x[:, 2] + (x[:, 3] > 0.3) * 4 + random.normal(scale=0.1, size=len(x))
    return x.astype(np.float32), y


def with_missing(x):
    x = x.copy()
    x[np.random.default_rng(7).random(x.shape) < 0.15] = np.nan
    return x


def initial():
    return [("input", FloatTensorType([None, FEATURES]))]


def models(x, y):
    missing = with_missing(x)
    high = (y > np.median(y)).astype(int)
    third = np.digitize(y, np.quantile(y, [0.33, 0.66]))
    convert_sklearn = lambda model: skl2onnx.convert_sklearn(
        model, initial_types=[("input", skl2onnx.common.data_types.FloatTensorType([None, FEATURES]))]
    )
    convert_xgboost = lambda model: onnxmltools.convert_xgboost(model, initial_types=initial())
    convert_lightgbm = lambda model: onnxmltools.convert_lightgbm(model, initial_types=initial(), zipmap=False)
    yield "sklearn-tree", DecisionTreeRegressor(max_depth=6, random_state=1).fit(x, y), x, convert_sklearn
    yield "sklearn-forest", RandomForestRegressor(20, max_depth=6, random_state=1).fit(x, y), x, convert_sklearn
    yield "sklearn-boosting", GradientBoostingRegressor(random_state=1).fit(x, y), x, convert_sklearn
    yield "xgboost-regressor", xgboost.XGBRegressor(n_estimators=50, max_depth=5).fit(missing, y), missing, convert_xgboost
    yield "xgboost-binary", xgboost.XGBClassifier(n_estimators=30, max_depth=4).fit(missing, high), missing, convert_xgboost
    yield "lightgbm-regressor", lightgbm.LGBMRegressor(n_estimators=50, verbose=-1).fit(missing, y), missing, convert_lightgbm
    yield "lightgbm-classes", lightgbm.LGBMClassifier(n_estimators=15, verbose=-1).fit(x, third), x, convert_lightgbm


def main(folder):
    x, y = data()
    results = {}
    for name, model, rows, convert in models(x, y):
        Path(folder, f"{name}.onnx").write_bytes(convert(model).SerializeToString())
        background, explained = rows[:BACKGROUND], rows[100 : 100 + ROWS]
        explainer = shap.TreeExplainer(
            model, data=background, feature_perturbation="interventional", model_output="raw"
        )
        values = np.asarray(explainer.shap_values(explained, check_additivity=False), dtype=float)
        # rows × features × outputs
        values = values[..., np.newaxis] if values.ndim == 2 else values
        results[name] = {
            "rows": listed(explained),
            "background": listed(background),
            "values": values.tolist(),
            "expected": np.atleast_1d(explainer.expected_value).tolist(),
        }
    json.dump(results, sys.stdout)


def listed(rows):
    """JSON has no NaN."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in rows]


main(sys.argv[1])
