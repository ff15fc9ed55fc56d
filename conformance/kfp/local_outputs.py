"""The outputs of kfp.local for the named pipelines: one JSON object, from name to outputs or the error."""

import functools
import json
import logging
import os
import sys

from kfp import dsl, local

# Its environment has the SDK already: nothing is installed for a component.
dsl.component = functools.partial(dsl.component, install_kfp_package=False)

import pipelines  # noqa: E402


def outputs(pipeline):
    try:
        given = pipeline().outputs
        return {"outputs": {name: value for name, value in given.items() if not isinstance(value, dsl.Artifact)}}
    except Exception as error:
        return {"error": repr(error)[:500]}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    local.init(runner=local.SubprocessRunner(use_venv=False), raise_on_error=True)
    names = set(sys.argv[1:])
    # Components write to the standard output of this process.
    answer = os.dup(1)
    os.dup2(2, 1)
    found = {one.name: outputs(one) for one in pipelines.ALL if one.name in names}
    with os.fdopen(answer, "w") as file:
        json.dump(found, file)
