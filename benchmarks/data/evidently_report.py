"""Evidently's drift report of two Parquet files."""

import sys
import warnings

warnings.simplefilter("ignore")

import pandas
from evidently import Report
from evidently.presets import DataDriftPreset

from measured import measured, print_result

reference, current = sys.argv[1:3]


def report():
    made = Report([DataDriftPreset()]).run(pandas.read_parquet(current), pandas.read_parquet(reference))
    return len(made.json())


print_result(**measured(report)[0])
