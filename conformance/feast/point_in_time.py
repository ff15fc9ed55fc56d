"""Historical features: compares Dais's join with the published vectors, and with Feast's own local provider on random data."""

import json
import os
import sys
import tempfile
import traceback
import warnings
from datetime import datetime, timedelta, timezone

warnings.simplefilter("ignore")

import numpy
import pandas
import yaml
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, Project
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

import dais

SEED = int(os.environ.get("FEAST_SEED", "20261126"))
ROWS = int(os.environ.get("FEAST_ROWS", "10000"))
ROUNDS = int(os.environ.get("FEAST_ROUNDS", "1"))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


class Views:
    """The same views twice: in Dais, and in a local Feast."""

    def __init__(self, project):
        self.project = project
        self.folder = tempfile.mkdtemp()
        self.remote = dais.store(project)
        self.remote.apply([Project(name=project)])
        settings = {
            "project": project,
            "provider": "local",
            "registry": os.path.join(self.folder, "registry.db"),
            "online_store": {"type": "sqlite", "path": os.path.join(self.folder, "online.db")},
            "offline_store": {"type": "duckdb"},
            "entity_key_serialization_version": 3,
        }
        with open(os.path.join(self.folder, "feature_store.yaml"), "w") as file:
            yaml.safe_dump(settings, file)
        self.local = FeatureStore(self.folder)

    def add(self, name, frame, keys, features, ttl=timedelta(0), created=True):
        path = os.path.join(self.folder, f"{name}.parquet")
        frame.to_parquet(path, index=False, coerce_timestamps="us")
        entities = [Entity(name=f"{key}_entity", join_keys=[key], value_type=ValueType.INT64) for key in keys]
        view = FeatureView(
            name=name,
            entities=entities,
            ttl=ttl,
            schema=[Field(name=feature, dtype=dtype) for feature, dtype in features.items()],
            source=FileSource(
                name=name,
                path=path,
                timestamp_field="ts",
                created_timestamp_column="created" if created else "",
            ),
        )
        dais.push(self.project, name, frame)
        for store in (self.remote, self.local):
            store.apply([*entities, view])

    def dais(self, features, entities=None, **more):
        body = {"features": features, "eventTime": "event_timestamp", **more}
        if entities is not None:
            body["entities"] = {
                name: [plain(value) for value in entities[name]] for name in entities.columns
            }
        answer = dais.call("POST", self.project, "/api/v1/features/history", json=body)
        return answer["rows"]

    def feast(self, features, entities):
        return self.local.get_historical_features(entities, features=features).to_df()


def plain(value):
    if value is None or value is pandas.NaT or value is pandas.NA:
        return None
    if isinstance(value, (pandas.Timestamp, datetime)):
        return value.isoformat()
    if isinstance(value, numpy.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def by(rows, order, *names):
    """Returns the values of columns, sorted by another one."""
    order = rows[order]
    return [[plain(value) for _, value in sorted(zip(order, rows[name], strict=True))] for name in names]


def entity_rows(*rows):
    frame = pandas.DataFrame(rows, columns=["k", "event_timestamp"])
    frame["k"] = frame["k"].astype("int64")
    frame["row"] = range(len(frame))
    return frame


def v1():
    data = pandas.DataFrame(
        [
            (1, at("2023-12-31"), at("2023-12-31"), 11),
            (1, at("2024-01-02"), at("2024-01-02"), 22),
            (1, at("2024-01-03"), at("2024-01-03"), 33),
            (2, at("2023-01-03"), at("2023-01-03"), 22),
            (3, at("2024-01-01"), at("2024-01-03"), 10),
            (3, at("2024-01-01"), at("2024-01-02"), 20),
        ],
        columns=["k", "ts", "created", "v"],
    )
    entities = entity_rows((1, at("2024-01-01")), (1, at("2024-01-02")), (2, at("2024-01-01")), (3, at("2024-01-03")))
    views = Views("vector_one")
    for name, ttl, expected in [
        ("ten_days", timedelta(days=10), [11, 22, None, 10]),
        ("no_ttl", timedelta(0), [11, 22, 22, 10]),
        ("one_day", timedelta(days=1), [11, 22, None, None]),
    ]:
        views.add(name, data, ["k"], {"v": Int64}, ttl)
        assert by(views.dais([f"{name}:v"], entities), "row", "v") == [expected], name


def v2_and_v3():
    now = at("2026-11-20")
    day = timedelta(days=1)
    views = Views("vector_two")
    second = pandas.DataFrame(
        [(1001, now, now, 10), (1001, now, now + day, 20), (1002, now, now + day, 30), (1002, now + day, now, 40)],
        columns=["k", "ts", "created", "v"],
    )
    views.add("backfills", second, ["k"], {"v": Int64})
    entities = entity_rows((1001, now + 2 * day), (1002, now + 2 * day))
    assert by(views.dais(["backfills:v"], entities), "row", "v") == [[20, 40]]

    third = pandas.DataFrame(
        [(1001, now, now, 10), (1001, now, now + 2 * day, 20), (1002, now, now, 30), (1002, now, now + 2 * day, 40)],
        columns=["k", "ts", "created", "v"],
    )
    views.add("cutoff", third, ["k"], {"v": Int64})
    entities = entity_rows((1001, now + day), (1002, now + day))
    assert by(views.dais(["cutoff:v"], entities), "row", "v") == [[20, 40]]
    assert by(views.dais(["cutoff:v"], entities, createdCutoff=True), "row", "v") == [[10, 30]]


def v4():
    now = at("2026-11-20")
    day = timedelta(days=1)
    data = pandas.DataFrame(
        [(k, now - days * day, now, k_value * (3 - days)) for k, k_value in [(1, 10), (2, 100)] for days in (2, 1, 0)],
        columns=["k", "ts", "created", "v"],
    )
    views = Views("vector_four")
    views.add("no_entities", data, ["k"], {"v": Int64})
    start, end = now - 3 * day, now + timedelta(hours=1)
    rows = views.dais(["no_entities:v"], start=start.isoformat(), end=end.isoformat())
    assert {30, 300} <= set(rows["v"]), rows
    moments = [datetime.fromisoformat(text.replace("Z", "+00:00")) for text in rows["event_timestamp"]]
    assert all(start <= moment <= end for moment in moments), moments


def v5_and_v6():
    moment = at("2026-11-20T12:00:00")
    tick = timedelta(microseconds=1)
    hour = timedelta(hours=1)
    data = pandas.DataFrame([(1, moment, moment, 7)], columns=["k", "ts", "created", "v"])
    views = Views("vector_five")
    views.add("bounds", data, ["k"], {"v": Int64}, ttl=hour)
    entities = entity_rows((1, moment), (1, moment - tick), (1, moment + hour), (1, moment + hour + tick))
    assert by(views.dais(["bounds:v"], entities), "row", "v") == [[7, None, 7, None]]
    # Two equal entity rows stay two.
    twice = entity_rows((1, moment), (1, moment))
    rows = views.dais(["bounds:v"], twice)
    assert by(rows, "row", "row", "v") == [[0, 1], [7, 7]]


def random_views(random, views, name, keys, rows):
    """Few keys and few times, so that ties are common; never two rows of one key, time and created time."""
    made = {
        key: random.integers(0, 40, rows) for key in keys
    }
    made["ts"] = [at("2026-11-01") + timedelta(minutes=int(m)) for m in random.integers(0, 20_000, rows) // 10 * 10]
    made["created"] = [at("2026-11-20") + timedelta(seconds=int(s)) for s in random.integers(0, 50, rows)]
    made["number"] = random.random(rows)
    made["whole"] = random.integers(-(2**40), 2**40, rows)
    made["text"] = [None if one % 7 == 0 else f"t{one}" for one in random.integers(0, 1000, rows)]
    frame = pandas.DataFrame(made).drop_duplicates([*keys, "ts", "created"]).reset_index(drop=True)
    ttl = timedelta(minutes=int(random.choice([0, 1, 60, 1440])))
    views.add(name, frame, keys, {"number": Float64, "whole": Int64, "text": String}, ttl)
    return [f"{name}:number", f"{name}:whole", f"{name}:text"]


def like_feast_itself():
    for turn in range(ROUNDS):
        random = numpy.random.default_rng(SEED + turn)
        views = Views(f"random_{turn}")
        count = ROWS // 5
        entities = pandas.DataFrame(
            {
                "driver": random.integers(0, 45, count),
                "city": random.integers(0, 45, count),
                "event_timestamp": [
                    at("2026-11-01") + timedelta(minutes=int(m)) for m in random.integers(0, 20_000, count) // 10 * 10
                ],
                "row": range(count),
            }
        )
        for name, keys in [("one", ["driver"]), ("both", ["driver", "city"])]:
            features = random_views(random, views, name, keys, ROWS)
            theirs = views.feast(features, entities)
            ours = views.dais(features, entities)
            columns = ["number", "whole", "text"]
            expected = by(theirs, "row", *columns)
            found = by(ours, "row", *columns)
            assert len(found[0]) == count, len(found[0])
            for column, ours_of, theirs_of in zip(columns, found, expected, strict=True):
                theirs_of = [None if value is None else type_like(value, column) for value in theirs_of]
                different = [at_row for at_row in range(count) if ours_of[at_row] != theirs_of[at_row]]
                assert not different, (
                    SEED + turn,
                    name,
                    column,
                    len(different),
                    [(entities.iloc[one].to_dict(), ours_of[one], theirs_of[one]) for one in different[:3]],
                )


def type_like(value, column):
    # Without a value for each row, pandas converts integers to floats.
    return int(value) if column == "whole" else value


SCENARIOS = [v1, v2_and_v3, v4, v5_and_v6, like_feast_itself]


def main(names):
    for scenario in SCENARIOS:
        if names and scenario.__name__ not in names:
            continue
        result = {"name": scenario.__name__}
        try:
            scenario()
        except Exception:
            result["error"] = traceback.format_exc()[-3000:]
        print(json.dumps(result), flush=True)


main(sys.argv[1:])
