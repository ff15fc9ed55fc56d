"""Trains models that predict the delay of a flight, and registers the best one. It uses MLflow only."""

import mlflow
from flights import make_flights
from mlflow import MlflowClient
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

MODEL = "flight-delay"
CANDIDATES = {
    "linear": Ridge(),
    "trees": HistGradientBoostingRegressor(max_iter=120, random_state=7),
}


def train(name, regressor, train_rows, test_rows):
    """Trains one model in one run: autologging records its parameters, data, metrics and the model."""
    words = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["carrier", "origin", "destination"]), remainder="passthrough"
    )
    pipeline = make_pipeline(words, regressor)
    with mlflow.start_run(run_name=name) as run:
        pipeline.fit(train_rows.drop(columns="delay"), train_rows["delay"])
        error = mean_absolute_error(test_rows["delay"], pipeline.predict(test_rows.drop(columns="delay")))
        mlflow.log_metric("mean_absolute_error", error)
    print(f"{name}: {error:.1f} minutes off")
    return error, run.info.run_id


def main():
    mlflow.set_experiment("flight delays")
    mlflow.sklearn.autolog(log_post_training_metrics=False, silent=True)
    train_rows, test_rows = train_test_split(make_flights(), test_size=0.25, random_state=7)
    results = [train(name, regressor, train_rows, test_rows) for name, regressor in CANDIDATES.items()]
    _, best = min(results)
    [model] = mlflow.get_run(best).outputs.model_outputs
    version = mlflow.register_model(f"models:/{model.model_id}", MODEL).version
    MlflowClient().set_registered_model_alias(MODEL, "champion", version)
    print(f"{MODEL} {version} is champion")


if __name__ == "__main__":
    main()
