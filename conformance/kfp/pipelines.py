"""Pipelines for every feature of the SDK, compiled and printed as one JSON object: name to text."""

import json
import os
import sys
import tempfile
from typing import Dict, List, NamedTuple, Optional

from kfp import compiler, dsl, kubernetes
from kfp.dsl import Artifact, ClassificationMetrics, Dataset, Input, Markdown, Metrics, Model, Output

python = dsl.component(base_image="python:3.11")


@python
def text(value: str) -> str:
    return value


@python
def number(value: int) -> int:
    return value


@python
def add(a: int, b: int) -> int:
    return a + b


@python
def joined(values: List[str]) -> str:
    return ",".join(values)


@python
def total(values: List[int]) -> int:
    return sum(values)


@python
def shown(values: list) -> str:
    import json

    return json.dumps(values)


@python
def fail(value: str = "x") -> str:
    import sys

    print("about to fail", file=sys.stderr)
    raise ValueError("failure on request: " + value)


@python
def rescue(value: str = "nothing came") -> str:
    return value


@dsl.pipeline(name="types")
def types(words: str = "1e3", count: int = 3, ratio: float = 0.5, flag: bool = True, items: list = [1, "b"], fields: dict = {"a": 1}) -> str:
    @python
    def describe(words: str, count: int, ratio: float, flag: bool, items: list, fields: dict) -> str:
        import json

        return json.dumps([words, count, type(count).__name__, ratio, flag, items, fields])

    return describe(words=words, count=count, ratio=ratio, flag=flag, items=items, fields=fields).output


@python
def several(x: int) -> NamedTuple("Outputs", [("double", int), ("name", str), ("both", list)]):
    from collections import namedtuple

    return namedtuple("Outputs", ["double", "name", "both"])(2 * x, f"n{x}", [x, 2 * x])


@dsl.pipeline(name="named-outputs")
def named_outputs(x: int = 4) -> NamedTuple("Result", [("sum", int), ("name", str)]):
    from collections import namedtuple

    task = several(x=x)
    return namedtuple("Result", ["sum", "name"])(add(a=task.outputs["double"], b=x).output, task.outputs["name"])


@dsl.pipeline(name="texts")
def texts(name: str = "Ada", n: int = 2) -> str:
    # Texts with parameters of several tasks; and texts that only look like them.
    described = text(value=f"{name} has {number(value=n).output} of {{{name}}}")
    return joined(values=[described.output, "a'b\"c", "$HOME `x`", "line\nline"]).output


@dsl.pipeline(name="branches")
def branches(coin: str = "tails") -> str:
    with dsl.If(coin == "heads"):
        one = text(value="heads it is")
    with dsl.Elif(coin == "tails"):
        two = text(value="tails it is")
    with dsl.Else():
        three = text(value="neither")
    return dsl.OneOf(one.output, two.output, three.output)


@python
def model(name: str, made: Output[Model]):
    with open(made.path, "w") as file:
        file.write(name)
    made.metadata["accuracy"] = 0.75
    made.metadata["name"] = name


@python
def read(made: Input[Artifact]) -> str:
    with open(made.path) as file:
        return f"{file.read()} {made.metadata.get('accuracy')} {type(made).__name__}"


@dsl.pipeline(name="branches-of-artifacts")
def branches_of_artifacts(n: int = 7) -> str:
    with dsl.If(n > 5):
        large = model(name="large")
    with dsl.Else():
        small = model(name="small")
    return read(made=dsl.OneOf(large.outputs["made"], small.outputs["made"])).output


@dsl.pipeline(name="comparisons")
def comparisons(n: int = 5, ratio: float = 0.5, flag: bool = True, word: str = "b") -> str:
    with dsl.If(n >= 5):
        text(value="ge").set_display_name("ge")
    with dsl.If(n < 5):
        fail(value="lt")
    with dsl.If(ratio == 0.5):
        text(value="ratio")
    with dsl.If(flag == True):  # noqa: E712
        text(value="flag")
    with dsl.If(word != "a"):
        text(value="word")
    with dsl.If(number(value=n).output == n):
        text(value="same")
    return text(value="done").output


@dsl.pipeline(name="skipped")
def skipped(go: str = "no") -> str:
    with dsl.If(go == "yes"):
        first = text(value="first")
        text(value=first.output)
    return text(value="end").output


@dsl.pipeline(name="loops")
def loops(n: int = 3) -> NamedTuple("Result", [("words", str), ("sum", int)]):
    from collections import namedtuple

    with dsl.ParallelFor(["a", "b", "c"], parallelism=2) as item:
        one = text(value=item)
    with dsl.ParallelFor([1, 2, 3]) as item:
        two = add(a=item, b=n)
    return namedtuple("Result", ["words", "sum"])(
        joined(values=dsl.Collected(one.output)).output, total(values=dsl.Collected(two.output)).output
    )


@python
def listed(n: int) -> list:
    return [{"a": i, "b": f"b{i}"} for i in range(n)]


@python
def pair(a: int, b: str) -> str:
    return f"{a}{b}"


@dsl.pipeline(name="loops-over-outputs")
def loops_over_outputs(n: int = 3) -> str:
    with dsl.ParallelFor(listed(n=n).output) as item:
        one = pair(a=item.a, b=item.b)
    return joined(values=dsl.Collected(one.output)).output


@dsl.pipeline(name="loops-in-loops")
def loops_in_loops() -> str:
    with dsl.ParallelFor([1, 2]) as outer:
        with dsl.ParallelFor([10, 20]) as inner:
            one = add(a=outer, b=inner)
    return shown(values=dsl.Collected(one.output)).output


@dsl.pipeline(name="loops-with-conditions")
def loops_with_conditions() -> str:
    with dsl.ParallelFor([1, 2, 3, 4]) as item:
        with dsl.If(item > 2):
            one = number(value=item)
    return shown(values=dsl.Collected(one.output)).output


@dsl.pipeline(name="empty-loop")
def empty_loop() -> str:
    with dsl.ParallelFor(listed(n=0).output) as item:
        one = text(value=item.b)
    return shown(values=dsl.Collected(one.output)).output


@python
def count_models(models: Input[List[Model]]) -> str:
    return ",".join(sorted(open(one.path).read() for one in models))


@dsl.pipeline(name="collected-artifacts")
def collected_artifacts() -> str:
    with dsl.ParallelFor(["x", "y", "z"]) as item:
        one = model(name=item)
    return count_models(models=dsl.Collected(one.outputs["made"])).output


@dsl.pipeline
def some_models() -> List[Model]:
    with dsl.ParallelFor(["p", "q"]) as item:
        one = model(name=item)
    return dsl.Collected(one.outputs["made"])


@dsl.pipeline(name="loops-over-artifacts")
def loops_over_artifacts() -> str:
    with dsl.ParallelFor(some_models().output) as artifact:
        two = read(made=artifact)
    return joined(values=dsl.Collected(two.output)).output


@dsl.pipeline
def inner(a: int, b: int = 10) -> int:
    return add(a=a, b=b).output


@dsl.pipeline(name="nested")
def nested(x: int = 1) -> int:
    first = inner(a=x)
    second = inner(a=first.output, b=100)
    return add(a=first.output, b=second.output).output


@python
def report(status: dsl.PipelineTaskFinalStatus, word: str = "bye"):
    print("FINAL", word, status.state, status.pipeline_task_name, status.error_code, status.error_message)


@dsl.pipeline(name="exit-good")
def exit_good() -> None:
    end = report(word="good")
    with dsl.ExitHandler(end, name="guarded"):
        text(value="fine")


@dsl.pipeline(name="exit-bad")
def exit_bad() -> None:
    end = report(word="bad")
    with dsl.ExitHandler(end, name="guarded"):
        fail(value="inside")


@dsl.pipeline(name="ignore-failure")
def ignore_failure() -> str:
    first = fail(value="upstream")
    return rescue(value=first.output).ignore_upstream_failure().output


@python
def flaky() -> str:
    import os

    index = os.environ["KFP_RETRY_INDEX"]
    if index != "2":
        raise ValueError(f"attempt {index}")
    return f"attempt={index}"


@dsl.pipeline(name="retries")
def retries() -> str:
    return flaky().set_retry(num_retries=3, backoff_duration="0s").set_caching_options(False).output


@dsl.pipeline(name="importing")
def importing(uri: str = "gs://bucket/data.csv") -> str:
    @python
    def look(data: Input[Dataset]) -> str:
        return f"{data.uri} {data.metadata['rows']} {data.metadata['from']}"

    made = dsl.importer(artifact_uri=uri, artifact_class=Dataset, reimport=False, metadata={"rows": 3, "from": uri})
    return look(data=made.output).output


@python
def optional(a: Optional[str] = None, b: int = 5, c: Optional[list] = None) -> str:
    return f"{a} {b} {c}"


@dsl.pipeline(name="optional-inputs")
def optional_inputs(a: Optional[str] = None, c: Optional[list] = None) -> str:
    return optional(a=a, c=c).output


@python
def metrics(numbers: Output[Metrics], classes: Output[ClassificationMetrics], page: Output[Markdown]):
    numbers.log_metric("accuracy", 0.9)
    classes.log_confusion_matrix(["a", "b"], [[1, 2], [3, 4]])
    with open(page.path, "w") as file:
        file.write("# page")


@dsl.pipeline(name="metrics-of-a-run")
def metrics_of_a_run() -> None:
    metrics()


@python
def folder(out: Output[Dataset]):
    import os

    os.makedirs(os.path.join(out.path, "deep"))
    for name in ("a", "deep/b"):
        with open(os.path.join(out.path, name), "w") as file:
            file.write(name)


@python
def files(data: Input[Dataset]) -> str:
    import os

    return ",".join(sorted(name for _, _, names in os.walk(data.path) for name in names))


@dsl.pipeline(name="folders")
def folders() -> str:
    return files(data=folder().outputs["out"]).output


@python
def elsewhere(out: Output[Dataset]):
    import os
    import tempfile

    path = os.path.join(tempfile.mkdtemp(), "mine.txt")
    with open(path, "w") as file:
        file.write("from elsewhere")
    out.custom_path = path


@python
def under(out: Output[Dataset]):
    out.uri = dsl.get_uri(suffix="own.txt")
    with open(out.path, "w") as file:
        file.write("under the root")


@dsl.pipeline(name="own-places")
def own_places() -> NamedTuple("Result", [("custom", str), ("under", str)]):
    from collections import namedtuple

    return namedtuple("Result", ["custom", "under"])(
        read(made=elsewhere().outputs["out"]).output, read(made=under().outputs["out"]).output
    )


@dsl.container_component
def container(word: str, many: list, out: dsl.OutputPath(str), data: Output[Dataset], extra: Optional[str] = None):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c", 'printf "%s" "$0/$1/$#" > "$2"; echo data > "$3"; test -n "$WORD"'],
        args=[
            dsl.ConcatPlaceholder(["<", word, ">"]),
            many,
            out,
            data.path,
            dsl.IfPresentPlaceholder(input_name="extra", then=["--extra", extra], else_=["--none"]),
        ],
    )


@dsl.pipeline(name="containers")
def containers() -> NamedTuple("Result", [("with_extra", str), ("without", str), ("data", str)]):
    from collections import namedtuple

    one = container(word="w", many=[1, "x"], extra="e").set_env_variable("WORD", "w")
    two = container(word="v", many=[]).set_env_variable("WORD", "v")
    return namedtuple("Result", ["with_extra", "without", "data"])(
        one.outputs["out"], two.outputs["out"], read(made=two.outputs["data"]).output
    )


@python
def whereabouts(run: str, id: str, task: str) -> str:
    return f"{run}|{len(id)}|{task}"


@dsl.pipeline(name="names")
def names() -> str:
    return whereabouts(
        run=dsl.PIPELINE_JOB_NAME_PLACEHOLDER, id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, task=dsl.PIPELINE_TASK_NAME_PLACEHOLDER
    ).output


@dsl.pipeline(name="cached")
def cached(x: int = 1) -> int:
    return add(a=x, b=1).set_caching_options(True).output


@python
def length(value: str) -> int:
    return len(value)


@dsl.pipeline(name="large")
def large(value: str = "") -> int:
    return length(value=value).output


@python
def secret() -> str:
    import os

    return os.environ["WORD"] + os.environ.get("NONE", "-")


@dsl.pipeline(name="secrets")
def secrets(name: str = "words") -> str:
    task = secret()
    kubernetes.use_secret_as_env(task, secret_name=name, secret_key_to_env={"word": "WORD"})
    kubernetes.use_secret_as_env(task, secret_name="absent", secret_key_to_env={"word": "NONE"}, optional=True)
    kubernetes.set_timeout(task, 600)
    kubernetes.add_node_selector(task, "disk", "fast")
    return task.output


@dsl.pipeline(name="resources")
def resources() -> str:
    return text(value="small").set_cpu_limit("1").set_memory_limit("512Mi").set_cpu_request("500m").output


@dsl.component(base_image="python:3.11", packages_to_install=["iniconfig==2.0.0"])
def packaged() -> str:
    import iniconfig

    return iniconfig.__name__


@dsl.pipeline(name="packages")
def packages() -> str:
    return packaged().output


@dsl.component(base_image="example.com/own:1")
def foreign() -> str:
    return "never"


@dsl.pipeline(name="images")
def images() -> str:
    return foreign().output


@dsl.pipeline(name="after")
def after() -> str:
    first = text(value="1")
    second = text(value="2").after(first)
    return text(value="3").after(second).output


ALL = [
    types, named_outputs, texts, branches, branches_of_artifacts, comparisons, skipped, loops, loops_over_outputs,
    loops_in_loops, loops_with_conditions, empty_loop, collected_artifacts, loops_over_artifacts, nested, exit_good,
    exit_bad, ignore_failure, retries, importing, optional_inputs, metrics_of_a_run, folders, own_places, containers,
    names, cached, large, secrets, resources, packages, images, after,
]  # fmt: skip

if __name__ == "__main__":
    compiled: Dict[str, str] = {}
    for pipeline in ALL:
        path = os.path.join(tempfile.mkdtemp(), "pipeline.yaml")
        try:
            compiler.Compiler().compile(pipeline, path)
        except Exception as error:  # The test lists those that this release may not support.
            print(f"{pipeline.name}: {error!r}", file=sys.stderr)
            continue
        with open(path) as file:
            compiled[pipeline.name] = file.read()
    print(json.dumps(compiled))
