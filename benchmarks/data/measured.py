"""Measures a piece of work: CPU time of this process and its finished child processes, and peak memory."""

import json
import resource
import time


def cpu_ms():
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1000 * sum(resource.getrusage(one).ru_utime + resource.getrusage(one).ru_stime for one in who)


def measured(work):
    """Imports come before: a peer is measured as a running program."""
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
