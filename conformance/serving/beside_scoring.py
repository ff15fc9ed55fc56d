"""MLflow's own scoring server for each model in the given folder, in one process: /NAME/invocations. Argument: folder, port."""

import os
import sys

import mlflow.pyfunc
import uvicorn
from fastapi import FastAPI
from mlflow.pyfunc import scoring_server

folder, port = sys.argv[1:3]
app = FastAPI()
for name in sorted(os.listdir(folder)):
    if os.path.exists(os.path.join(folder, name, "MLmodel")):
        app.mount(f"/{name}", scoring_server.init(mlflow.pyfunc.load_model(os.path.join(folder, name))))
app.get("/ready")(lambda: "yes")
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")
