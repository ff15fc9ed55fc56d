"""Scenarios of Feast's client, run against the Dais at FEAST_HTTP and FEAST_GRPC. Prints one line of JSON with the result of each."""

import json
import os
import sys
import tempfile
import traceback
import warnings
from datetime import datetime, timedelta, timezone

warnings.simplefilter("ignore")

import pandas
from feast import Entity, Field, FileSource, OnDemandFeatureView, Project, RequestSource
from feast import errors
from feast.data_source import PushMode
from feast.feature_view import FeatureView
from feast.on_demand_feature_view import on_demand_feature_view
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import RoleBasedPolicy
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import Float64, Int64
from feast.value_type import ValueType

import dais
from repository import DRIVERS, NOW, definitions, rows

TOLD = ["conv_rate", "whole", "avg_daily_trips", "city", "active", "nothing"]
FEATURES = [f"driver_hourly_stats:{name}" for name in TOLD]


def raises(kind, act, *words):
    try:
        act()
    except kind as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{missing} not in {error}"
        return
    raise AssertionError(f"{kind.__name__} was not raised")


def prepared(project, data=True, data_first=False):
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "driver_stats.parquet")
    frame = rows()
    frame.to_parquet(path, index=False, coerce_timestamps="us")
    store = dais.store(project, repo=folder)
    made = definitions(path)
    whole = [Project(name=project, description="of a test"), *made.values()]
    store.apply(whole[:1] if data_first else whole)
    if data:
        dais.push(project, "driver_stats", frame)
    if data_first:
        store.apply(whole)
    return store, made, frame


def spec(thing):
    message = thing.to_proto().spec
    # The server assigns the owner.
    message.project = ""
    return message


def apply_and_read_back():
    store, made, _ = prepared("reads_back", data=False)
    assert spec(store.get_entity("driver")) == spec(made["driver"])
    for name in ["hourly", "short", "fresh"]:
        view = made[name]
        got = store.get_feature_view(view.name)
        ours, theirs = spec(got), spec(view)
        for message in (ours, theirs):
            for source in (message.batch_source, message.stream_source, message.stream_source.batch_source):
                source.ClearField("meta")
        assert ours == theirs, view.name
        assert got.created_timestamp is not None and got.last_updated_timestamp is not None
    assert spec(store.get_feature_service("driver_v1")) == spec(made["service"])
    assert store.get_data_source("driver_stats").path == made["stats"].path
    assert {entity.name for entity in store.list_entities()} == {"driver"}
    assert {view.name for view in store.list_feature_views()} == {"driver_hourly_stats", "short_lived", "driver_fresh"}
    assert [view.name for view in store.list_feature_views(tags={"team": "driver_performance"})] == [
        "driver_hourly_stats"
    ]
    assert {source.name for source in store.list_data_sources()} == {"driver_stats", "fresh_push", "fresh_stats"}
    assert [service.name for service in store.list_feature_services(tags={"stage": "test"})] == ["driver_v1"]
    assert store.list_feature_services(tags={"stage": "other"}) == []
    assert "reads_back" in {project.name for project in store.list_projects()}
    assert store.get_project("reads_back").description == "of a test"
    registry = store.registry.proto()
    assert {view.spec.name for view in registry.feature_views if view.spec.project == "reads_back"} == {
        "driver_hourly_stats",
        "short_lived",
        "driver_fresh",
    }
    for nothing in (store.list_permissions, store.list_saved_datasets, store.list_on_demand_feature_views):
        assert nothing() == [], nothing


def apply_again_and_change():
    store, made, _ = prepared("changes", data=False)
    before = store.get_feature_view("driver_hourly_stats").last_updated_timestamp
    changed = made["hourly"]
    changed.description = "changed"
    store.apply([changed])
    after = store.get_feature_view("driver_hourly_stats")
    assert after.description == "changed" and after.last_updated_timestamp >= before
    resource = dais.call("GET", "changes", "/api/v1/featureviews/driver_hourly_stats")
    assert resource["spec"]["description"] == "changed" and resource["metadata"]["origin"] == "feast"
    store.apply([Permission(name="all", types=[FeatureView], policy=RoleBasedPolicy(roles=["reader"]), actions=[AuthzedAction.DESCRIBE])])
    assert [permission.name for permission in store.list_permissions()] == ["all"]
    store.delete_feature_service("driver_v1")
    store.delete_feature_view("driver_fresh")
    raises(errors.FeatureViewNotFoundException, lambda: store.get_feature_view("driver_fresh"), "driver_fresh")
    raises(errors.FeatureServiceNotFoundException, lambda: store.get_feature_service("driver_v1"))
    raises(errors.FeatureViewNotFoundException, lambda: store.delete_feature_view("driver_fresh"))
    store.teardown()
    assert store.list_feature_views() == [] and store.list_entities() == []
    assert dais.call("GET", "changes", "/api/v1/featureviews")["items"] == []
    assert dais.call("GET", "changes", "/api/v1/entities")["items"] == []


def materialize_and_read():
    store, _, frame = prepared("materializes")
    store.materialize(NOW - timedelta(days=2), NOW - timedelta(hours=3))
    newest = frame[frame.event_timestamp == pandas.Timestamp(NOW - timedelta(hours=3))].set_index("driver_id")
    got = store.get_online_features(FEATURES, [{"driver_id": driver} for driver in [*DRIVERS, 5]])
    values = got.to_dict()
    assert values["driver_id"] == [*DRIVERS, 5], values["driver_id"]
    for name in TOLD:
        expected = [newest.loc[driver, name] for driver in DRIVERS] + [None]
        expected = [None if value is None or value is pandas.NA else value for value in expected]
        assert values[name] == expected, (name, values[name], expected)
        assert [type(value) for value in values[name]] == [
            type(value.item()) if hasattr(value, "item") else type(value) for value in expected
        ], (name, values[name])
    statuses = {
        name: list(vector.statuses)
        for name, vector in zip(got.proto.metadata.feature_names.val, got.proto.results, strict=True)
    }
    here = FieldStatus
    assert statuses["conv_rate"] == [here.PRESENT] * 3 + [here.NOT_FOUND]
    assert statuses["nothing"] == [here.NULL_VALUE] * 3 + [here.NOT_FOUND]
    assert statuses["driver_id"] == [here.PRESENT] * 4
    intervals = store.get_feature_view("driver_hourly_stats").materialization_intervals
    assert intervals[-1] == (NOW - timedelta(days=2), NOW - timedelta(hours=3)), intervals

    store.materialize_incremental(NOW, feature_views=["driver_hourly_stats"])
    values = store.get_online_features(FEATURES, [{"driver_id": 1001}]).to_dict()
    assert values["whole"] == [0.0], values
    intervals = store.get_feature_view("driver_hourly_stats").materialization_intervals
    assert intervals[-1][1] == NOW, intervals

    named = store.get_online_features(
        store.get_feature_service("driver_v1"), [{"driver_id": 1001}], full_feature_names=True
    ).to_dict()
    assert list(named) == [
        "driver_id",
        "driver_hourly_stats__conv_rate",
        "driver_hourly_stats__city",
        "driver_fresh__score",
        "driver_fresh__trips",
        "driver_fresh__path",
        "driver_fresh__seen",
    ], list(named)


def view_without_entities():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "totals.parquet")
    frame = pandas.DataFrame({"event_timestamp": [NOW - timedelta(hours=hour) for hour in (5, 2)], "trips": [40, 52]})
    frame.to_parquet(path, index=False, coerce_timestamps="us")
    store = dais.store("no_entities", repo=folder)
    source = FileSource(name="totals", path=path, timestamp_field="event_timestamp")
    view = FeatureView(
        name="totals_view", entities=[], ttl=timedelta(days=36500), schema=[Field(name="trips", dtype=Int64)], source=source
    )
    store.apply([Project(name="no_entities"), source, view])
    dais.push("no_entities", "totals", frame)
    # Like `feast materialize` without names of views.
    store.materialize(NOW - timedelta(days=1), NOW - timedelta(hours=3))
    features = ["totals_view:trips"]
    assert store.get_online_features(features, [{}]).to_dict() == {"trips": [40]}
    store.materialize_incremental(NOW)
    assert store.get_online_features(features, [{}]).to_dict() == {"trips": [52]}
    entity_rows = pandas.DataFrame({"label": [1], "event_timestamp": [NOW - timedelta(hours=4)]})
    assert list(store.get_historical_features(entity_rows, features=features).to_df()["trips"]) == [40]


def too_old():
    store, _, _ = prepared("too_old")
    store.materialize(NOW - timedelta(days=2), NOW, feature_views=["short_lived"])
    got = store.get_online_features(["short_lived:conv_rate"], [{"driver_id": 1001}])
    assert got.to_dict()["conv_rate"] == [None]
    assert list(got.proto.results[1].statuses) == [FieldStatus.OUTSIDE_MAX_AGE]


def push_and_write():
    store, _, _ = prepared("pushes", data=False)
    now = datetime(2026, 11, 20, 6, 30, tzinfo=timezone.utc)

    def frame(moment, score):
        return pandas.DataFrame(
            {
                "driver_id": [1001, DRIVERS[2]],
                "event_timestamp": [moment, moment],
                "score": [score, score],
                "trips": [3, 4],
                "path": [[1, 2], [3]],
                "seen": [now, now],
            }
        )

    store.push("fresh_push", frame(now, 1.0), to=PushMode.ONLINE)
    features = [f"driver_fresh:{name}" for name in ["score", "trips", "path", "seen"]]
    values = store.get_online_features(features, [{"driver_id": driver} for driver in DRIVERS]).to_dict()
    assert values["score"] == [1.0, None, 1.0] and values["trips"] == [3, None, 4], values
    assert values["path"] == [[1, 2], None, [3]], values
    assert values["seen"] == [int(now.timestamp()), None, int(now.timestamp())], values
    store.push("fresh_push", frame(now - timedelta(hours=1), 9.0))
    store.write_to_online_store("driver_fresh", frame(now + timedelta(hours=1), 2.0))
    values = store.get_online_features(["driver_fresh:score"], [{"driver_id": 1001}]).to_dict()
    assert values["score"] == [2.0], values
    raw = {"driver_id": [1001], "event_timestamp": ["2026-11-20 08:30:00"], "score": [3], "trips": [None], "path": [[]], "seen": [None]}
    dais.call("POST", "pushes", "/push", json={"push_source_name": "fresh_push", "df": raw})
    values = store.get_online_features(["driver_fresh:score", "driver_fresh:trips"], [{"driver_id": 1001}]).to_dict()
    assert values["score"] == [3.0] and values["trips"] == [None], values
    raises(errors.PushSourceNotFoundException, lambda: store.push("nope", frame(now, 1.0)))


def mistakes_are_told():
    store, made, _ = prepared("mistakes", data=False)
    rows_of = [{"driver_id": 1001}]
    raises(
        errors.FeatureViewNotFoundException, lambda: store.get_online_features(["nope:x"], rows_of), "nope", "mistakes"
    )
    raises(errors.FeastError, lambda: store.get_online_features(["driver_hourly_stats:nope"], rows_of), "nope")
    raises(errors.FeastError, lambda: store.get_online_features(FEATURES, [{"x": 1}]), "driver_id")
    raises(Exception, lambda: store.materialize(NOW, NOW, feature_views=["nope"]), "nope")
    raises(Exception, lambda: store.materialize(NOW, NOW), "dais data push")
    raises(errors.EntityNotFoundException, lambda: store.get_entity("nope"), "mistakes")
    raises(errors.DataSourceObjectNotFoundException, lambda: store.get_data_source("nope"))
    raises(errors.ProjectObjectNotFoundException, lambda: store.get_project("nowhere"))

    @on_demand_feature_view(sources=[made["hourly"]], schema=[Field(name="twice", dtype=Float64)], mode="python")
    def twice(inputs):
        return {"twice": [value * 2 for value in inputs["whole"]]}

    raises(errors.FeastProviderNotImplementedError, lambda: store.apply([twice]), "source.type: onDemand")
    raises(errors.FeastPermissionError, lambda: dais.store("mistakes", token="dais_pat_wrong").list_entities())
    raises(
        errors.FeastPermissionError,
        lambda: dais.store("mistakes", token="dais_pat_wrong").get_online_features(FEATURES, rows_of),
    )
    # Another client's entity is unchanged.
    manifest = {"apiVersion": "dais.dev/v1", "kind": "Entity", "metadata": {"name": "car"}, "spec": {"type": "string"}}
    dais.call("POST", "mistakes", "/api/v1/apply", json={"sources": [{"file": "car.json", "text": json.dumps(manifest)}]})
    raises(
        errors.FeastError,
        lambda: store.apply([Entity(name="car", join_keys=["car_id"], value_type=ValueType.INT64)]),
        "manifest",
    )


def historical_beside():
    store, _, frame = prepared("historical", data_first=True)
    entity_rows = pandas.DataFrame(
        {
            "driver_id": [DRIVERS[0], DRIVERS[1], DRIVERS[2], 5],
            "event_timestamp": [NOW - timedelta(minutes=90 * index) for index in range(4)],
            "label": [1, 2, 3, 4],
        }
    )
    features = ["driver_hourly_stats:whole", "driver_hourly_stats:city"]
    theirs = store.get_historical_features(entity_rows, features=features).to_df().sort_values("label")
    ours = dais.call(
        "POST",
        "historical",
        "/api/v1/features/history",
        json={
            "features": features,
            "entities": {
                "driver_id": [str(value) for value in entity_rows.driver_id],
                "event_timestamp": [value.isoformat() for value in entity_rows.event_timestamp],
                "label": [1, 2, 3, 4],
            },
        },
    )["rows"]
    for name in ["whole", "city"]:
        expected = [None if pandas.isna(value) else value for value in theirs[name]]
        found = [value for _, value in sorted(zip(ours["label"], ours[name], strict=True))]
        assert found == expected, (name, found, expected)


SCENARIOS = [
    apply_and_read_back,
    apply_again_and_change,
    materialize_and_read,
    view_without_entities,
    too_old,
    push_and_write,
    mistakes_are_told,
    historical_beside,
]


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
