"""Saves models of CatBoost, and modules of PyTorch in each of MLflow's formats for them: pickle, TorchScript, exported programs (pt2)
and state dictionaries. Every standard module is among them."""

import inspect
import json
import os
import pathlib
import sys
import warnings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import catboost
import cloudpickle
import joblib
import mlflow
import mlflow.catboost
import mlflow.pytorch
import numpy as np
import pandas as pd
import torch
from torch import nn

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
torch.manual_seed(7)
frame = pd.DataFrame(random.normal(size=(40, 3)), columns=list("abc")).assign(d=["x", "y"] * 20)
labels = (frame["a"] > 0).astype(int)

# CatBoost, in its own formats and in those of Python.
options = {"iterations": 3, "verbose": False, "allow_writing_files": False, "cat_features": ["d"]}
boosted = {
    "classifier": catboost.CatBoostClassifier(**options).fit(frame, labels),
    "regressor": catboost.CatBoostRegressor(**options).fit(frame, frame["b"]),
    "ranker": catboost.CatBoostRanker(**options).fit(frame, labels, group_id=[0] * 20 + [1] * 20),
    "base": catboost.CatBoost({**options, "loss_function": "RMSE"}).fit(frame, frame["b"]),
}
for name, model in boosted.items():
    mlflow.catboost.save_model(model, folder / f"catboost-{name}", pip_requirements=["catboost"])
    (folder / f"catboost-{name}.pkl").write_bytes(cloudpickle.dumps(model))
    joblib.dump(model, folder / f"catboost-{name}.joblib")
mlflow.catboost.save_model(
    catboost.CatBoostRegressor(**{**options, "cat_features": None}).fit(frame[["a", "b"]], frame["c"]),
    folder / "catboost-json",
    format="json",
    pip_requirements=["catboost"],
)

# Arguments of the modules that have some.
ARGUMENTS = {
    "AdaptiveLogSoftmaxWithLoss": (8, 10, [2, 5]),
    "Bilinear": (3, 4, 2),
    "ChannelShuffle": (2,),
    "CircularPad1d": (1,),
    "ConstantPad1d": (1, 0.0),
    "ConstantPad2d": (1, 0.0),
    "ConstantPad3d": (1, 0.0),
    "Embedding": (10, 4),
    "EmbeddingBag": (10, 4),
    "Fold": ((4, 4), 2),
    "FractionalMaxPool2d": {"kernel_size": 2, "output_size": 2},
    "FractionalMaxPool3d": {"kernel_size": 2, "output_size": 2},
    "GRU": (4, 8),
    "GRUCell": (4, 8),
    "GroupNorm": (2, 4),
    "LPPool1d": (2, 2),
    "LPPool2d": (2, 2),
    "LPPool3d": (2, 2),
    "LSTM": (4, 8, 2),
    "LSTMCell": (4, 8),
    "LayerNorm": (4,),
    "Linear": (4, 2),
    "LocalResponseNorm": (2,),
    "ModuleDict": ({"a": nn.Linear(4, 2)},),
    "ModuleList": ([nn.Linear(4, 2)],),
    "MultiheadAttention": (8, 2),
    "Parameter": (torch.zeros(2),),
    "ParameterDict": ({"a": torch.zeros(2)},),
    "ParameterList": ([torch.zeros(2)],),
    "PixelShuffle": (2,),
    "PixelUnshuffle": (2,),
    "RMSNorm": (4,),
    "RNN": (4, 8),
    "RNNCell": (4, 8),
    "RNNBase": ("LSTM", 4, 8),
    "RNNCellBase": (4, 8, True, 4),
    "Sequential": (nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)),
    "Threshold": (0.1, 0.0),
    "Transformer": {"d_model": 8, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 8},
    "TransformerDecoder": (nn.TransformerDecoderLayer(8, 2, 8), 1),
    "TransformerDecoderLayer": (8, 2, 8),
    "TransformerEncoder": (nn.TransformerEncoderLayer(8, 2, 8), 1),
    "TransformerEncoderLayer": (8, 2, 8),
    "TripletMarginWithDistanceLoss": {"distance_function": nn.PairwiseDistance()},
    "Unflatten": (1, (2, 2)),
    "Unfold": (2,),
    "CosineSimilarity": (),
}


def created(name, kind):
    given = ARGUMENTS.get(name)
    if isinstance(given, dict):
        return kind(**given)
    if given is not None:
        return kind(*given)
    if "Conv" in name:
        return kind(2, 4, 3)
    for arguments in ((), (2,), (4,)):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    return kind(4, 4)


modules, failures = [], []
for name, kind in sorted(vars(nn).items()):
    # Lazy modules are replaced with their first input; before that they cannot predict.
    if not inspect.isclass(kind) or not issubclass(kind, nn.Module) or name.startswith("Lazy"):
        continue
    try:
        module = created(name, kind)
    except Exception as error:
        failures.append(f"{name}: {error!r}")
        continue
    # As `mlflow.pytorch.save_model` writes them, without the rest of its folder.
    torch.save(module, folder / f"torch-{name}.pth", pickle_module=mlflow.pytorch.mlflow_pytorch_pickle_module)
    torch.save(module.state_dict(), folder / f"torch-state-{name}.pth")
    modules.append(name)


class Classifier(nn.Module):
    """A custom module with common layers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.convolution = nn.Sequential(nn.Conv1d(8, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1))
        self.memory = nn.ModuleList([nn.LSTM(8, 8, batch_first=True), nn.GRU(8, 8, batch_first=True)])
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.head = nn.Linear(8, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        values = self.convolution(self.embedding(tokens.long()).transpose(1, 2)).transpose(1, 2)
        for layer in self.memory:
            values, _ = layer(values)
        return self.head(self.encoder(values).mean(dim=1))


tokens = random.integers(0, 10, size=(4, 6)).astype(np.float32)
own = Classifier().eval()
plain = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).eval()
for name, model in {"own": own, "plain": plain}.items():
    required = {"pip_requirements": ["torch"], "input_example": tokens}
    mlflow.pytorch.save_model(model, folder / f"mlflow-{name}-pickle", serialization_format="pickle", **required)
    mlflow.pytorch.save_model(model, folder / f"mlflow-{name}-pt2", serialization_format="pt2", **required)
    scripted = torch.jit.trace(model, torch.from_numpy(tokens), check_trace=False)
    mlflow.pytorch.save_model(scripted, folder / f"mlflow-{name}-script", serialization_format="pickle", **required)
    mlflow.pytorch.save_state_dict(model.state_dict(), folder / f"mlflow-{name}-state")
mlflow.pytorch.save_model(torch.jit.script(plain), folder / "mlflow-scripted", serialization_format="pickle", pip_requirements=["torch"])
# The format before PyTorch 1.6.
torch.save(plain, folder / "torch-old.pth", _use_new_zipfile_serialization=False)
torch.save({"model": plain.state_dict(), "optimizer": torch.optim.Adam(plain.parameters()).state_dict()}, folder / "torch-checkpoint.pth")
normed = nn.utils.weight_norm(nn.Linear(4, 2))
torch.save({"sparse": torch.eye(3).to_sparse(), "half": torch.zeros(2, dtype=torch.bfloat16), "last": torch.zeros(1, 2, 3, 3).to(memory_format=torch.channels_last)}, folder / "torch-tensors.pth")
torch.save(normed, folder / "torch-hooked.pth", pickle_module=mlflow.pytorch.mlflow_pytorch_pickle_module)
quantized = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear}, dtype=torch.qint8)
torch.save(quantized, folder / "torch-quantized.pth", pickle_module=mlflow.pytorch.mlflow_pytorch_pickle_module)
trained = nn.Sequential(nn.Linear(4, 2))
trained.qconfig = torch.ao.quantization.get_default_qat_qconfig("x86")
torch.save(torch.ao.quantization.prepare_qat(trained.train()), folder / "torch-observed.pth", pickle_module=mlflow.pytorch.mlflow_pytorch_pickle_module)


class Reduced:
    def __reduce__(self):
        return (os.system, ("true",))


hostile = nn.Sequential(nn.Linear(2, 2))
hostile.more = Reduced()
torch.save(hostile, folder / "hostile-module.pth")
torch.save(hostile, folder / "hostile-old.pth", _use_new_zipfile_serialization=False)
torch.save({"weights": torch.zeros(2), "more": Reduced()}, folder / "hostile-state.pth")
print(json.dumps({"modules": modules, "failures": failures}))
