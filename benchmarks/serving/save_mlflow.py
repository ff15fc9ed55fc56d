"""Saves an ONNX file into a folder in MLflow's format. Arguments: file, folder."""

import sys

import mlflow.onnx
import onnx

file, folder = sys.argv[1:3]
mlflow.onnx.save_model(onnx.load(file), folder, onnx_execution_providers=["CPUExecutionProvider"])
