"""TensorFlow Data Validation: statistics of a Parquet file, the inferred schema, and the validation with it."""

import datetime
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import pandas
import tensorflow_data_validation as tfdv

from measured import measured, print_result

path = sys.argv[1]


def statistics():
    frame = pandas.read_parquet(path)
    # It supports times only as text, and rejects Arrow's time types.
    for name, column in frame.items():
        if isinstance(column.dtype, pandas.DatetimeTZDtype) or isinstance(column.iloc[0], datetime.date):
            frame[name] = column.astype(str)
    return tfdv.generate_statistics_from_dataframe(frame)


usage, made = measured(statistics)
schema = tfdv.infer_schema(made)
checked, anomalies = measured(lambda: tfdv.validate_statistics(made, schema))
usage["cpuMs"] += checked["cpuMs"]
print_result(**usage, anomalies=len(anomalies.anomaly_info))
