"""Feast's point-in-time join with the default offline store of its `local` provider, from Parquet to Parquet."""

import os
import sys
from datetime import timedelta

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64
from feast.value_type import ValueType

from measured import measured, print_result

folder = sys.argv[1]
views, features, ttl_days, rounds = map(int, sys.argv[2:6])
store = FeatureStore(
    config=RepoConfig(
        project="benchmark",
        provider="local",
        registry=os.path.join(folder, "registry.db"),
        online_store={"type": "sqlite", "path": os.path.join(folder, "online.db")},
        entity_key_serialization_version=3,
    )
)
entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.INT64)
made = [
    FeatureView(
        name=f"view{view}",
        entities=[entity],
        ttl=timedelta(days=ttl_days),
        schema=[Field(name=f"v{view}_{n}", dtype=Float64) for n in range(features)],
        source=FileSource(
            name=f"rows{view}",
            path=os.path.join(folder, f"view{view}.parquet"),
            timestamp_field="event_timestamp",
        ),
    )
    for view in range(views)
]
store.apply([entity, *made])
names = [f"view{view}:v{view}_{n}" for view in range(views) for n in range(features)]


def join():
    entity_rows = pandas.read_parquet(os.path.join(folder, "entities.parquet"))
    frame = store.get_historical_features(entity_df=entity_rows, features=names).to_df()
    frame.to_parquet(os.path.join(folder, "training.parquet"), index=False)
    return frame


def joins():
    for _ in range(rounds):
        frame = join()
    return frame


usage, frame = measured(joins)
usage = {**usage, "cpuMs": usage["cpuMs"] / rounds, "wallMs": usage["wallMs"] / rounds}
columns = [name.split(":")[1] for name in names]
print_result(**usage, rows=len(frame), found=[int(frame[one].count()) for one in columns], sums=[float(frame[one].sum()) for one in columns])
