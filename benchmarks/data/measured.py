"""What a piece of work costs: CPU of this process and of those that it started and has waited for, and the most memory it held."""

import json
import resource
import time


def cpu_ms():
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1000 * sum(resource.getrusage(one).ru_utime + resource.getrusage(one).ru_stime for one in who)


def measured(work):
    """Imports are done before: a peer is measured as a program that runs already."""
    cpu, wall = cpu_ms(), time.monotonic()
    result = work()
    usage = {
        "cpuMs": cpu_ms() - cpu,
        "wallMs": 1000 * (time.monotonic() - wall),
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    return usage, result


def print_result(**what):
    print(json.dumps(what), flush=True)
