"""Evaluates the best candidate on held-out flights, registers it and sets the alias challenger.

The script compares it with the current champion on the same flights, or with a constant prediction if there is no champion.
A confidence interval decides whether it is better, so that chance on a few flights does not count.
"""

import argparse
import json
import os
import warnings
from pathlib import Path

import joblib
import mlflow
import numpy
import onnxruntime
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from onnx_form import as_onnx, ask
from report import card, fairness, whole_card
from rows import COLUMNS, LABEL, NUMBERS, WORDS, flights
from sklearn.metrics import roc_auc_score
from train import measures

MODEL = "nyc-late"
DRAWS = 500
SEED = 7
# A conversion may round, but must not change a prediction by more than this.
MOST_APART = 1e-4


def best_candidate(scores: list[dict], models: Path):
    """Returns the best score and its model. The folder contains a file, or a folder with one, per score, named by its index."""
    at = max(range(len(scores)), key=lambda index: scores[index]["roc_auc"])
    place = models / str(at)
    return scores[at], joblib.load(place if place.is_file() else next(file for file in place.rglob("*") if file.is_file()))


def champion(rows):
    """Returns the champion's version and its predictions for these flights."""
    version = MlflowClient().get_registered_model(MODEL).aliases.get("champion")
    if version is None:
        return None, numpy.full(len(rows), 0.5)
    model = mlflow.onnx.load_model(f"models:/{MODEL}/{version}")
    return version, ask(onnxruntime.InferenceSession(model.SerializeToString()), rows)


def difference(label, one, other) -> tuple[float, float, float]:
    """Returns the difference of both ROC AUC values with its 95 % bootstrap interval."""
    draw = numpy.random.default_rng(SEED)
    found = []
    while len(found) < DRAWS:
        chosen = draw.integers(0, len(label), len(label))
        if 0 < label[chosen].sum() < len(label):
            found.append(roc_auc_score(label[chosen], one[chosen]) - roc_auc_score(label[chosen], other[chosen]))
    low, high = numpy.quantile(found, [0.025, 0.975])
    return float(roc_auc_score(label, one) - roc_auc_score(label, other)), float(low), float(high)


def signature() -> ModelSignature:
    columns = [ColSpec("string", name) for name in WORDS] + [ColSpec("float", name) for name in NUMBERS]
    return ModelSignature(Schema(columns), Schema([TensorSpec(numpy.dtype("float32"), (-1, 1), "late_probability")]))


def registered(model: str, run: str) -> str:
    """Registers the version of this run exactly once: a step that was lost with its machine runs again."""
    for version in MlflowClient().search_model_versions(f"name='{MODEL}'"):
        if version.run_id == run:
            return version.version
    return mlflow.register_model(f"models:/{model}", MODEL).version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--start", "--end", "--frozen-end", "--scores", "--models"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    scores = json.loads(given.scores)
    winner, fitted = best_candidate(scores, Path(given.models))
    learned = flights(given.start, given.end)
    frozen = flights(given.end, given.frozen_end)
    label = frozen[LABEL].to_numpy()

    converted = as_onnx(fitted)
    probabilities = ask(onnxruntime.InferenceSession(converted.SerializeToString()), frozen)
    apart = float(numpy.abs(probabilities - fitted.predict_proba(frozen[COLUMNS])[:, 1]).max())
    if apart > MOST_APART:
        raise SystemExit(f"The predictions of the ONNX model differ by {apart}.")

    before, probabilities_before = champion(frozen)
    gain, low, high = difference(label, probabilities, probabilities_before)
    # The threshold predicts as many late flights as the training data contain.
    threshold = float(numpy.quantile(fitted.predict_proba(learned[COLUMNS])[:, 1], 1 - learned[LABEL].mean()))
    result = {
        "candidate": winner["candidate"],
        "setting": winner["setting"],
        "flights": len(learned),
        "frozen": {"start": given.end, "end": given.frozen_end, "flights": len(frozen), **measures(label, probabilities)},
        "against": "nobody" if before is None else f"{MODEL}/{before}",
        "gain": {"roc_auc": gain, "low": low, "high": high},
        "better": low > 0,
        "threshold": threshold,
        "onnx_apart": apart,
        "fairness": {by: fairness(frozen, probabilities, threshold, by) for by in ("carrier", "origin")},
    }
    with mlflow.start_run(run_id=os.environ.get("MLFLOW_RUN_ID"), run_name="judge") as run:
        mlflow.log_params({"candidate": winner["candidate"], "start": given.start, "end": given.end, "frozen_end": given.frozen_end})
        example = frozen[COLUMNS].dropna().head(3)
        info = mlflow.onnx.log_model(
            converted, name="model", signature=signature(), input_example=example,
            pip_requirements=["mlflow-skinny", "onnx", "onnxruntime", "pandas"],
        )  # fmt: skip
        found = {f"frozen_{name}": value for name, value in measures(label, probabilities).items()}
        mlflow.log_metrics({**found, "frozen_gain": gain, "frozen_gain_low": low}, model_id=info.model_id)
        # A later run without uploaded code uses this artifact.
        for file in sorted(Path(__file__).parent.glob("*.py")):
            mlflow.log_artifact(str(file), "code")
        version = registered(info.model_id, run.info.run_id)
        MlflowClient().set_registered_model_alias(MODEL, "challenger", version)
        result = {"version": version, "run": run.info.run_id, **result}
        mlflow.log_dict(result["fairness"], "evaluation/fairness.json")
        mlflow.log_dict(result, "evaluation/result.json")
        mlflow.log_text(whole_card(result, given), "evaluation/card.md")
    MlflowClient().update_model_version(MODEL, version, description=card(result, given))
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
