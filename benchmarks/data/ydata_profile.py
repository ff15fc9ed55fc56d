"""ydata-profiling's report of a Parquet file: the shorter one for larger data (`minimal`), or the complete one."""

import sys
import warnings

warnings.simplefilter("ignore")

import pandas
from ydata_profiling import ProfileReport

from measured import measured, print_result

path, minimal = sys.argv[1], sys.argv[2] == "minimal"


def profile():
    return ProfileReport(pandas.read_parquet(path), minimal=minimal, progress_bar=False).to_json()


print_result(**measured(profile)[0])
