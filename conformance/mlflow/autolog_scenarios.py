"""Training under autologging: what each framework's integration logs, and that the logged model has equal predictions."""

import os

# Before Keras is imported. TensorFlow would be an installation of ten times the size.
os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy
from scenario import VERSION, fresh, scenario

import mlflow
from mlflow import MlflowClient

ROWS = 200


def numbers():
    """A column computed from three others, deterministic."""
    random = numpy.random.default_rng(7)
    inputs = random.normal(size=(ROWS, 3)).astype("float32")
    target = (inputs @ [2.0, -1.0, 0.5] + random.normal(scale=0.1, size=ROWS)).astype("float32")
    return inputs, target


class Training:
    """Autologging of one framework on a new experiment for the duration of a `with`; then returns the logged content."""

    def __init__(self, framework, **settings):
        self.framework = framework
        self.settings = settings
        self.client = MlflowClient()

    def __enter__(self):
        self.experiment = mlflow.set_experiment(fresh(self.framework.__name__.split(".")[-1])).experiment_id
        self.framework.autolog(**self.settings)
        return self

    def __exit__(self, *_):
        self.framework.autolog(disable=True)

    @property
    def runs(self):
        return self.client.search_runs([self.experiment], order_by=["attributes.start_time ASC"])

    @property
    def run(self):
        """Returns the run without a parent."""
        [run] = [run for run in self.runs if "mlflow.parentRunId" not in run.data.tags]
        assert run.info.status == "FINISHED", run.info.status
        return run

    def history(self, key):
        return [(point.step, point.value) for point in self.client.get_metric_history(self.run.info.run_id, key)]

    @property
    def artifacts(self):
        return {file.path for file in self.client.list_artifacts(self.run.info.run_id)}

    @property
    def model(self):
        """Returns the URI of the only model, which is ready."""
        if VERSION < (3, 0):
            return f"runs:/{self.run.info.run_id}/model"
        [output] = self.run.outputs.model_outputs
        assert self.client.get_logged_model(output.model_id).status == "READY"
        return f"models:/{output.model_id}"


def same(ours, theirs):
    numpy.testing.assert_allclose(numpy.asarray(ours).ravel(), numpy.asarray(theirs).ravel(), rtol=1e-5, atol=1e-6)


@scenario(needs=("sklearn",))
def autolog_scikit_learn_search():
    """A search over parameters: one run for the search, a nested one for each candidate."""
    import mlflow.sklearn
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs, target = numbers()
    with Training(mlflow.sklearn, max_tuning_runs=2) as training:
        pipeline = make_pipeline(StandardScaler(), RandomForestRegressor(n_estimators=5, random_state=1))
        grid = {"randomforestregressor__max_depth": [1, 2, 3]}
        search = GridSearchCV(pipeline, grid, cv=2).fit(inputs, target)
    parent = training.run
    assert parent.data.params["best_randomforestregressor__max_depth"] == "3"
    assert {"best_cv_score", "training_score"} <= parent.data.metrics.keys()
    same([parent.data.metrics["best_cv_score"]], [search.best_score_])
    assert "cv_results.csv" in training.artifacts and "estimator.html" in training.artifacts
    children = [run for run in training.runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == 2 and all("mean_test_score" in child.data.metrics for child in children)
    dataset = parent.inputs.dataset_inputs[0]
    assert {tag.key: tag.value for tag in dataset.tags}["mlflow.data.context"] == "train"
    if VERSION >= (3, 0):
        # The search and its best estimator are one model each.
        models = [training.client.get_logged_model(one.model_id) for one in parent.outputs.model_outputs]
        [uri] = [model.model_uri for model in models if model.name == "best_estimator"]
    else:
        uri = f"runs:/{parent.info.run_id}/best_estimator"
    same(mlflow.sklearn.load_model(uri).predict(inputs), search.predict(inputs))


@scenario(needs=("xgboost",))
def autolog_xgboost():
    """Metrics of every round in one batch, early stopping, importances as an image and as JSON."""
    import mlflow.xgboost
    import xgboost

    inputs, target = numbers()
    with Training(mlflow.xgboost) as training:
        train, test = (xgboost.DMatrix(inputs[part], target[part]) for part in (slice(0, 150), slice(150, ROWS)))
        booster = xgboost.train(
            {"objective": "reg:squarederror", "max_depth": 2, "eta": 0.3},
            train,
            num_boost_round=30,
            evals=[(train, "train"), (test, "test")],
            early_stopping_rounds=5,
            verbose_eval=False,
        )
    run = training.run
    expected = {"max_depth": "2", "eta": "0.3", "num_boost_round": "30", "early_stopping_rounds": "5"}
    assert expected.items() <= run.data.params.items()
    history = training.history("test-rmse")
    assert [step for step, _ in history][: booster.best_iteration + 1] == list(range(booster.best_iteration + 1))
    assert run.data.metrics["best_iteration"] == booster.best_iteration
    assert run.data.metrics["stopped_iteration"] == booster.num_boosted_rounds() - 1
    assert {"feature_importance_weight.json", "feature_importance_weight.png"} <= training.artifacts
    assert run.inputs.dataset_inputs[0].dataset.source_type == "code"
    assert len(mlflow.models.get_model_info(training.model).signature.inputs.inputs) == 1
    same(mlflow.xgboost.load_model(training.model).predict(test), booster.predict(test))


@scenario(needs=("xgboost", "sklearn"))
def autolog_xgboost_as_estimator():
    import mlflow.xgboost
    import xgboost

    inputs, target = numbers()
    with Training(mlflow.xgboost) as training:
        model = xgboost.XGBRegressor(n_estimators=10, max_depth=2).fit(inputs, target)
    assert {"num_boost_round": "10", "max_depth": "2"}.items() <= training.run.data.params.items()
    same(mlflow.pyfunc.load_model(training.model).predict(inputs), model.predict(inputs))


@scenario(needs=("lightgbm",))
def autolog_lightgbm():
    import lightgbm
    import mlflow.lightgbm

    inputs, target = numbers()
    with Training(mlflow.lightgbm) as training:
        train = lightgbm.Dataset(inputs[:150], target[:150])
        test = lightgbm.Dataset(inputs[150:], target[150:], reference=train)
        booster = lightgbm.train(
            {"objective": "regression", "num_leaves": 5, "verbosity": -1, "metric": ["l2", "l1"]},
            train,
            num_boost_round=20,
            valid_sets=[test],
            valid_names=["test"],
        )
    run = training.run
    assert {"num_leaves": "5", "objective": "regression", "num_boost_round": "20"}.items() <= run.data.params.items()
    history = training.history("test-l2")
    assert [step for step, _ in history] == list(range(20))
    same([history[-1][1]], [booster.best_score["test"]["l2"]])
    assert {"feature_importance_split.json", "feature_importance_gain.png"} <= training.artifacts
    same(mlflow.lightgbm.load_model(training.model).predict(inputs), booster.predict(inputs))


@scenario(since=(3, 0), needs=("keras", "jax"))
def autolog_keras():
    import keras
    import mlflow.keras

    keras.utils.set_random_seed(7)
    inputs, target = numbers()
    with Training(mlflow.keras) as training:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
        fitted = model.fit(inputs, target, batch_size=32, epochs=4, validation_split=0.2, verbose=0)
    run = training.run
    assert {"batch_size": "32", "epochs": "4"}.items() <= run.data.params.items()
    assert run.data.params["optimizer_name"].lower() == "adam"
    for key in ("loss", "mae"):
        same([value for _, value in training.history(key)], fitted.history[key])
        same([value for _, value in training.history(f"validation_{key}")], fitted.history[f"val_{key}"])
    assert "model_summary.txt" in training.artifacts
    same(mlflow.keras.load_model(training.model).predict(inputs, verbose=0), model.predict(inputs, verbose=0))


@scenario(needs=("torch", "pytorch_lightning"))
def autolog_pytorch():
    import mlflow.pytorch
    import pytorch_lightning
    import torch

    class Line(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, inputs):
            return self.layer(inputs).squeeze(-1)

        def training_step(self, batch, _):
            inputs, target = batch
            loss = torch.nn.functional.mse_loss(self(inputs), target)
            self.log("train_loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.05)

    pytorch_lightning.seed_everything(7, workers=True)
    inputs, target = (torch.tensor(part) for part in numbers())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, target), batch_size=50)
    with Training(mlflow.pytorch, log_every_n_epoch=1) as training:
        model = Line()
        trainer = pytorch_lightning.Trainer(
            max_epochs=3,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(model, loader)
    run = training.run
    assert {"epochs": "3", "optimizer_name": "SGD", "lr": "0.05"}.items() <= run.data.params.items(), run.data.params
    history = training.history("train_loss_epoch")
    assert [step for step, _ in history] == [0, 1, 2] and history[0][1] > history[2][1]
    assert "model_summary.txt" in training.artifacts
    model.eval()
    with torch.no_grad():
        same(mlflow.pytorch.load_model(training.model)(inputs), model(inputs))
