"""The pipeline of ../pipeline/pipeline.yaml for the Kubeflow Pipelines SDK: the same steps, code and packages.

    python pipeline.py                             # writes nyc-late-kfp.yaml
    python pipeline.py --run http://localhost:7070  # and runs it there; with accounts, set DAIS_TOKEN
"""

import argparse
import os
from pathlib import Path
from typing import List

from kfp import Client, compiler, dsl

STEPS = Path(__file__).resolve().parent.parent / "pipeline"
# A component cannot import neighboring files, so it receives the text of each file.
CODE = {file.name: file.read_text(encoding="utf-8") for file in sorted(STEPS.glob("*.py"))}
PACKAGES = [
    "mlflow-skinny==3.17.2", "scikit-learn==1.9.1", "lightgbm==4.7.0", "pandas==3.1.1", "onnx==1.23.2",
    "onnxmltools==1.16.0", "onnxruntime==1.32.0", "skl2onnx==1.20.0",
]  # fmt: skip


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def train(code: dict, candidate: str, start: str, end: str, flights: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]) -> dict:
    import json
    import os
    import runpy
    import shutil
    import sys
    from pathlib import Path

    os.mkdir("code")
    for name, text in code.items():
        Path("code", name).write_text(text, encoding="utf-8")
    os.environ["DAIS_DATA_FLIGHTS"] = flights.path
    sys.path.insert(0, "code")
    sys.argv = ["train.py", candidate, "--start", start, "--end", end]
    runpy.run_path("code/train.py", run_name="__main__")
    shutil.copy("model.joblib", model.path)
    return json.loads(Path("score.json").read_text(encoding="utf-8"))


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def judge(
    code: dict,
    start: str,
    end: str,
    frozen_end: str,
    scores: list,
    flights: dsl.Input[dsl.Dataset],
    models: dsl.Input[List[dsl.Model]],
) -> dict:
    import json
    import os
    import runpy
    import shutil
    import sys
    from pathlib import Path

    os.mkdir("code")
    for name, text in code.items():
        Path("code", name).write_text(text, encoding="utf-8")
    os.mkdir("models")
    for at, model in enumerate(models):
        shutil.copy(model.path, Path("models", str(at)))
    os.environ["DAIS_DATA_FLIGHTS"] = flights.path
    sys.path.insert(0, "code")
    sys.argv = ["judge.py", "--start", start, "--end", end, "--frozen-end", frozen_end]
    sys.argv += ["--scores", json.dumps(scores), "--models", "models"]
    runpy.run_path("code/judge.py", run_name="__main__")
    return json.loads(Path("result.json").read_text(encoding="utf-8"))


def tracked(task) -> None:
    task.set_caching_options(False)
    task.set_env_variable("MLFLOW_EXPERIMENT_NAME", "nyc-late")


@dsl.pipeline(name="nyc-late-kfp", description="Trains candidates on a period and compares the best one with the champion on the time after it")
def nyc_late(
    start: str = "2013-01-01",
    end: str = "2013-05-01",
    frozen_end: str = "2013-06-01",
    candidates: list = ["linear", "trees", "lightgbm"],
    flights: str = "dais://datasets/nyc_training?format=csv",
) -> dict:
    rows = dsl.importer(artifact_uri=flights, artifact_class=dsl.Dataset)
    with dsl.ParallelFor(candidates, parallelism=2) as candidate:
        trained = train(code=CODE, candidate=candidate, start=start, end=end, flights=rows.output)
        tracked(trained)
        # Candidates share the cores; waiting threads of one candidate would take CPU time from the others.
        trained.set_env_variable("OMP_NUM_THREADS", "1")
    judged = judge(
        code=CODE, start=start, end=end, frozen_end=frozen_end, flights=rows.output,
        scores=dsl.Collected(trained.outputs["Output"]), models=dsl.Collected(trained.outputs["model"]),
    )  # fmt: skip
    tracked(judged)
    return judged.output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", metavar="URL", help="run it on this server")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    compiler.Compiler().compile(nyc_late, "nyc-late-kfp.yaml")
    if given.run is None:
        return
    client = Client(host=given.run, existing_token=os.environ.get("DAIS_TOKEN"))
    arguments = dict(one.split("=", 1) for one in given.param)
    if "candidates" in arguments:
        arguments["candidates"] = arguments["candidates"].split(",")
    run = client.create_run_from_pipeline_package("nyc-late-kfp.yaml", arguments=arguments, enable_caching=False)
    print(run.run_id, flush=True)
    ended = client.wait_for_run_completion(run.run_id, timeout=3600)
    if ended.state != "SUCCEEDED":
        raise SystemExit(f"The run {run.run_id} has ended: {ended.state}")


if __name__ == "__main__":
    main()
