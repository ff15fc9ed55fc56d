"""A small repository of definitions like Feast's own first example, and its data."""

from datetime import datetime, timedelta, timezone

import numpy
import pandas
from feast import Entity, FeatureService, FeatureView, Field, FileSource, Project, PushSource
from feast.types import Array, Float32, Float64, Int32, Int64, String, Bool, UnixTimestamp
from feast.value_type import ValueType

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
DRIVERS = [1001, 1002, 9_007_199_254_740_993]


def rows(hours=48):
    random = numpy.random.default_rng(7)
    made = [
        {
            "driver_id": driver,
            "event_timestamp": NOW - timedelta(hours=hour),
            "created": NOW,
            "conv_rate": float(numpy.float32(random.random())),
            "whole": float(hour),
            "avg_daily_trips": int(random.integers(0, 1000)) + 2**60,
            "city": f"city {hour}",
            "active": hour % 2 == 0,
            "nothing": None,
        }
        for driver in DRIVERS
        for hour in range(hours)
    ]
    frame = pandas.DataFrame(made)
    return frame.astype({"conv_rate": "float32", "nothing": "string"})


def definitions(path):
    driver = Entity(
        name="driver", join_keys=["driver_id"], value_type=ValueType.INT64, description="who drives", tags={"a": "b"}
    )
    stats = FileSource(
        name="driver_stats", path=path, timestamp_field="event_timestamp", created_timestamp_column="created"
    )
    schema = [
        Field(name="conv_rate", dtype=Float32, description="of trips", tags={"unit": "share"}),
        Field(name="whole", dtype=Float64),
        Field(name="avg_daily_trips", dtype=Int64),
        Field(name="city", dtype=String),
        Field(name="active", dtype=Bool),
        Field(name="nothing", dtype=String),
    ]
    hourly = FeatureView(
        name="driver_hourly_stats",
        entities=[driver],
        # The values are older than the test.
        ttl=timedelta(days=36500),
        schema=schema,
        source=stats,
        tags={"team": "driver_performance"},
        description="hour by hour",
        owner="ada@example.com",
    )
    short = FeatureView(
        name="short_lived", entities=[driver], ttl=timedelta(seconds=1), schema=schema[:1], source=stats
    )
    fresh = FeatureView(
        name="driver_fresh",
        entities=[driver],
        ttl=timedelta(days=36500),
        schema=[
            Field(name="score", dtype=Float64),
            Field(name="trips", dtype=Int32),
            Field(name="path", dtype=Array(Int64)),
            Field(name="seen", dtype=UnixTimestamp),
        ],
        source=PushSource(
            name="fresh_push",
            batch_source=FileSource(name="fresh_stats", path="nowhere.parquet", timestamp_field="event_timestamp"),
        ),
    )
    service = FeatureService(
        name="driver_v1", features=[hourly[["conv_rate", "city"]], fresh], description="one", tags={"stage": "test"}
    )
    return {"driver": driver, "stats": stats, "hourly": hourly, "short": short, "fresh": fresh, "service": service}
