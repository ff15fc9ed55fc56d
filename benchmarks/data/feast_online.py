"""A Feast repository with one view of float64 in its online store (SQLite, as in its `local` provider), ready for `feast serve`."""

import os
import sys
from datetime import datetime, timedelta, timezone

import numpy
import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

folder, entities, features = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(os.path.join(folder, "feature_store.yaml"), "w") as file:
    file.write(
        f"project: benchmark\nprovider: local\nregistry: {folder}/registry.db\n"
        f"online_store:\n  type: sqlite\n  path: {folder}/online.db\nentity_key_serialization_version: 3\n"
    )
store = FeatureStore(folder)
entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.INT64)
names = [f"f{n}" for n in range(features)]
view = FeatureView(
    name="online_view",
    entities=[entity],
    ttl=timedelta(days=3650),
    schema=[Field(name=name, dtype=Float64) for name in names],
    source=FileSource(name="rows", path=os.path.join(folder, "rows.parquet"), timestamp_field="event_timestamp"),
)
random = numpy.random.default_rng(7)
frame = pandas.DataFrame({name: random.random(entities) for name in names})
frame.insert(0, "entity", range(entities))
frame.insert(1, "event_timestamp", datetime(2026, 11, 1, tzinfo=timezone.utc))
frame.to_parquet(os.path.join(folder, "rows.parquet"), index=False, coerce_timestamps="us")
store.apply([entity, view])
store.write_to_online_store("online_view", frame)
