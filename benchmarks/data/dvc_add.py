"""`dvc add` of a folder: the size of the cache of a repository without Git afterwards."""

import os
import subprocess
import sys

from measured import measured, print_result

repository, folder = sys.argv[1], sys.argv[2]
dvc = os.path.join(os.path.dirname(sys.executable), "dvc")
environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}


def run(*words):
    subprocess.run([dvc, *words], cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL)


if not os.path.isdir(os.path.join(repository, ".dvc")):
    run("init", "--no-scm", "--quiet")
usage, _ = measured(lambda: run("add", "--quiet", folder))
cache = os.path.join(repository, ".dvc", "cache")
held = sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(cache) for name in names)
print_result(**usage, bytes=held)
