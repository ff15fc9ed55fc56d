"""Estimates of NannyML without labels, and its distances of categories."""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from nannyml.calibration import IsotonicCalibrator
from nannyml.drift.univariate import methods
from nannyml.performance_estimation.confidence_based import metrics

warnings.filterwarnings("ignore")


def number(value):
    value = float(value)
    return value if np.isfinite(value) else None


def estimates(case):
    predicted, raw = np.array(case["predicted"]), np.array(case["scores"])
    calibrator = IsotonicCalibrator()
    calibrator.fit(np.array(case["scores"]), np.array(case["actual"]))
    scores = np.asarray(calibrator.calibrate(raw))
    of = {
        name: number(getattr(metrics, f"estimate_{name}")(predicted, scores))
        for name in ("accuracy", "precision", "recall", "specificity", "f1")
    }
    return {"calibrated": scores.tolist(), "rocAuc": number(metrics.estimate_roc_auc(scores, raw)), **of}


def distance(method, reference, current):
    method._fit(reference)
    return number(method._calculate(current))


def categories(case):
    reference, current = (pd.Series(words, name="column") for words in case["words"])
    chunks = {"chunker": None, "threshold": None}
    results = {}
    for name, kind in (
        ("js_distance_log2", methods.CategoricalJensenShannonDistance),
        ("l_infinity", methods.LInfinityDistance),
        ("hellinger", methods.CategoricalHellingerDistance),
        ("chi_square", methods.Chi2Statistic),
    ):
        method = kind(**chunks)
        results[name] = distance(method, reference, current)
    return results


cases = json.load(sys.stdin)
json.dump(
    {
        "binary": [estimates(case) for case in cases["binary"]],
        "categories": [categories(case) for case in cases["categories"]],
    },
    sys.stdout,
)
