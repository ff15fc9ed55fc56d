"""Trains one candidate: a small search with one autologged run per trial, then a refit of the best setting.

    python train.py linear --start 2013-01-01 --end 2013-05-01
"""

import argparse
import json
import os
import warnings

import joblib
import mlflow
from lightgbm import LGBMClassifier
from rows import COLUMNS, LABEL, NUMBERS, WORDS, flights
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 7
# The first part of the period, by time, trains; the rest selects the best trial.
SEARCH_SHARE = 0.8
TRIES = {
    "linear": [{"C": 0.1}, {"C": 1.0}],
    "trees": [{"max_leaf_nodes": 15}, {"max_leaf_nodes": 31}],
    "lightgbm": [{"num_leaves": 15}, {"num_leaves": 31}],
}


def pipeline(candidate: str, setting: dict):
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = "passthrough"
    if candidate == "linear":
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        model = LogisticRegression(max_iter=500, **setting)
    elif candidate == "trees":
        model = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.08, random_state=SEED, **setting)
    else:
        model = LGBMClassifier(n_estimators=150, learning_rate=0.06, random_state=SEED, n_jobs=1, verbose=-1, **setting)
    return make_pipeline(ColumnTransformer([("words", words, WORDS), ("numbers", numbers, NUMBERS)]), model)


def measures(label, probability) -> dict[str, float]:
    return {
        "roc_auc": float(roc_auc_score(label, probability)),
        "average_precision": float(average_precision_score(label, probability)),
        "log_loss": float(log_loss(label, probability, labels=[0, 1])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("candidate", choices=list(TRIES))
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    mlflow.sklearn.autolog(log_models=False, log_post_training_metrics=False, silent=True)
    rows = flights(given.start, given.end)
    cut = int(len(rows) * SEARCH_SHARE)
    first, last = rows[:cut], rows[cut:]
    with mlflow.start_run(run_id=os.environ.get("MLFLOW_RUN_ID"), run_name=given.candidate) as run:
        tries = []
        for setting in TRIES[given.candidate]:
            with mlflow.start_run(run_name=f"{given.candidate} {setting}", nested=True):
                fitted = pipeline(given.candidate, setting).fit(first[COLUMNS], first[LABEL])
                found = measures(last[LABEL], fitted.predict_proba(last[COLUMNS])[:, 1])
                mlflow.log_metrics(found)
            tries.append((found["roc_auc"], setting, found))
            print(f"{given.candidate} {setting}: {found}", flush=True)
        _, setting, found = max(tries, key=lambda one: one[0])
        best = pipeline(given.candidate, setting).fit(rows[COLUMNS], rows[LABEL])
        mlflow.log_metrics(found)
        mlflow.log_params({"start": given.start, "end": given.end, "flights": len(rows)})
    joblib.dump(best, "model.joblib")
    with open("score.json", "w", encoding="utf-8") as file:
        json.dump({"candidate": given.candidate, "setting": setting, "run": run.info.run_id, **found}, file)


if __name__ == "__main__":
    main()
