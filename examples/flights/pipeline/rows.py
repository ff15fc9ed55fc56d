"""Defines the feature columns and reads the flights of a period."""

import os
from pathlib import Path

import pandas

WORDS = ["carrier", "origin"]
NUMBERS = [
    "temp", "wind_speed", "precip", "visib", "carrier_minutes", "carrier_late", "route_minutes", "route_flights",
    "distance", "hour",
]  # fmt: skip
COLUMNS = WORDS + NUMBERS
LABEL = "late"


def flights(start: str, end: str) -> pandas.DataFrame:
    """Returns the flights scheduled from `start` (inclusive) to `end` (exclusive), ordered by time, from the dataset of the step."""
    folder = Path(os.environ["DAIS_DATA_FLIGHTS"])
    # CSV, because a Parquet reader would be a third of the installation. `round_trip` reads each number exactly.
    options = {"keep_default_na": False, "na_values": [""], "float_precision": "round_trip"}
    rows = pandas.concat([pandas.read_csv(file, **options) for file in sorted(folder.rglob("*.csv"))])
    at = pandas.to_datetime(rows["scheduled_at"], utc=True)
    rows = rows[(at >= pandas.Timestamp(start, tz="UTC")) & (at < pandas.Timestamp(end, tz="UTC"))]
    rows = rows.sort_values(["scheduled_at", "flight_id"]).reset_index(drop=True)
    if rows.empty:
        raise SystemExit(f"There are no flights from {start} to {end}.")
    rows[NUMBERS] = rows[NUMBERS].astype("float32")
    rows[LABEL] = rows[LABEL].astype("int64")
    return rows
