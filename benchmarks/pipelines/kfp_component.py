"""Compiles the pipeline of `kfp-component.ts` with the SDK, and prints it as JSON: the components run one after the other."""

import os
import sys
import tempfile

from kfp import compiler, dsl

count = int(sys.argv[1])


@dsl.component
def nothing() -> str:
    import sys

    return sys.executable


@dsl.pipeline(name="components")
def components() -> str:
    before = nothing().set_caching_options(False)
    for _ in range(count - 1):
        task = nothing().set_caching_options(False)
        task.after(before)
        before = task
    return before.output


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "components.json")
    compiler.Compiler().compile(components, path)
    with open(path, encoding="utf-8") as file:
        print(file.read())
