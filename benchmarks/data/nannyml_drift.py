"""NannyML's univariate drift of two Parquet files, the second as one chunk."""

import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import nannyml
import pandas

from measured import measured, print_result

reference, current = sys.argv[1:3]


def drift():
    before, now = pandas.read_parquet(reference), pandas.read_parquet(current)
    names = list(before.columns)
    words = [name for name in names if before[name].dtype == object]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=words,
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_number=1,
    )
    return calculator.fit(before).calculate(now).to_df().shape


print_result(**measured(drift)[0])
