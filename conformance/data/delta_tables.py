"""Writes Delta tables into a folder, and prints the rows that the deltalake package itself reads from each.

Features that the package reads but does not write (deletion vectors, mapped columns, checkpoints in parts) are
written here by the protocol, and printed by its reader.
"""

import base64
import datetime
import decimal
import json
import math
import pathlib
import struct
import sys
import uuid
import zlib

import pyarrow
import pyarrow.compute
import pyarrow.parquet
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from pyroaring import BitMap

folder = pathlib.Path(sys.argv[1])
results = {}


def cell(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value


def record(name):
    """Prints the table as its package reads it, sorted by its first column."""
    read = QueryBuilder().register("t", DeltaTable(str(folder / name))).execute("select * from t").read_all()
    rows = pyarrow.table(read).to_pylist()
    table = [[cell(value) for value in row.values()] for row in rows]
    results[name] = {"columns": read.schema.names, "rows": sorted(table, key=lambda row: (row[0] is None, row[0]))}


def rows(*keys):
    return pyarrow.table({"id": pyarrow.array(keys, pyarrow.int64()), "word": [f"w{key}" for key in keys]})


def log(name):
    return folder / name / "_delta_log"


def forget(name, below):
    """The state after a cleanup of the log."""
    for version in range(below):
        (log(name) / f"{version:020d}.json").unlink()


plain = str(folder / "plain")
write_deltalake(plain, rows(1, 2))
write_deltalake(plain, rows(3), mode="append")
DeltaTable(plain).delete("id = 1")
write_deltalake(plain, rows(9), mode="overwrite")

# A checkpoint, and commits after it that add, remove and rewrite files.
old = str(folder / "old")
for key in range(5):
    write_deltalake(old, rows(key, 10 + key), mode="append")
DeltaTable(old).create_checkpoint()
write_deltalake(old, rows(50), mode="append")
DeltaTable(old).delete("id = 13")
forget("old", 4)
record("old")

# The same in two parts.
parts = str(folder / "parts")
for key in range(4):
    write_deltalake(parts, rows(key), mode="append")
DeltaTable(parts).create_checkpoint()
whole = log("parts") / f"{3:020d}.checkpoint.parquet"
checkpoint = pyarrow.parquet.read_table(whole)
for part, piece in enumerate([checkpoint.slice(0, 3), checkpoint.slice(3)], start=1):
    pyarrow.parquet.write_table(piece, log("parts") / f"{3:020d}.checkpoint.{part:010d}.{2:010d}.parquet")
whole.unlink()
(log("parts") / "_last_checkpoint").write_text(json.dumps({"version": 3, "size": checkpoint.num_rows, "parts": 2}))
forget("parts", 3)
record("parts")

# Half of a checkpoint, and no commits before it.
half = folder / "half" / "_delta_log"
half.mkdir(parents=True)
for name in [f"{3:020d}.checkpoint.{1:010d}.{2:010d}.parquet", f"{3:020d}.json"]:
    (half / name).write_bytes((log("parts") / name).read_bytes())

when = datetime.datetime(2026, 11, 1, 9, 30, tzinfo=datetime.timezone.utc)
kinds = pyarrow.table(
    {
        "id": pyarrow.array([1, 2, 3], pyarrow.int64()),
        "word": ["a b/c=d%20é", None, "x"],
        "day": pyarrow.array([datetime.date(2026, 11, 1), datetime.date(1969, 12, 31), None]),
        "at": pyarrow.array([when, None, when.replace(microsecond=123456)], pyarrow.timestamp("us", "UTC")),
        "number": pyarrow.array([-7, 2**31 - 1, None], pyarrow.int32()),
        "share": pyarrow.array([0.5, None, -2.25]),
        "price": pyarrow.array([decimal.Decimal("12.30"), None, decimal.Decimal("3.25")], pyarrow.decimal128(9, 2)),
        "yes": [True, None, False],
        "last": ["l1", "l2", "l3"],
    }
)
parted = str(folder / "parted")
write_deltalake(parted, kinds, partition_by=["word", "day", "at", "number", "share", "price", "yes"])
write_deltalake(parted, kinds.set_column(0, "id", pyarrow.array([4, 5, 6], pyarrow.int64())), mode="append")
record("parted")
# Partitions in a checkpoint.
(folder / "parted-old").mkdir()
parted_old = str(folder / "parted-old")
for key in range(3):
    write_deltalake(parted_old, rows(key, key + 10), mode="append", partition_by=["word"])
DeltaTable(parted_old).create_checkpoint()
forget("parted-old", 2)
record("parted-old")


def portable(keys):
    """Returns a 64-bit bitmap in the format of the protocol."""
    highs = sorted({key >> 32 for key in keys})
    data = struct.pack("<IQ", 1681511377, len(highs))
    for high in highs:
        bitmap = BitMap(key & 0xFFFFFFFF for key in keys if key >> 32 == high)
        bitmap.run_optimize()
        data += struct.pack("<I", high) + bitmap.serialize()
    return data


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def base85(data):
    data += b"\0" * (-len(data) % 4)
    text = ""
    for (value,) in struct.iter_unpack(">I", data):
        text += "".join(Z85[value // 85**place % 85] for place in range(4, -1, -1))
    return text


def protocol(*features):
    return {
        "protocol": {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": list(features),
            "writerFeatures": list(features),
        }
    }


def commit(name, version, *actions):
    text = "".join(f"{json.dumps(action)}\n" for action in actions)
    (log(name) / f"{version:020d}.json").write_text(text)


def added(name):
    """Returns the additions of the last commit of a table."""
    last = max(log(name).glob("*.json"))
    return [json.loads(line)["add"] for line in last.read_text().splitlines() if '"add"' in line]


def delete(name, version, vectors, inline=False):
    """Commits deletion vectors to files: those that are not inline are in one file."""
    actions = [protocol("deletionVectors")]
    place = uuid.uuid4()
    stored = b"\x01"
    for file, keys in vectors:
        data = portable(keys)
        vector = {"storageType": "i", "pathOrInlineDv": base85(data), "sizeInBytes": len(data), "cardinality": len(keys)}
        if not inline:
            told_at = f"ab{base85(place.bytes)}"
            vector.update(storageType="u", pathOrInlineDv=told_at, offset=len(stored))
            stored += struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
        removed = {key: file[key] for key in ["path", "deletionVector"] if key in file}
        actions.append({"remove": {**removed, "deletionTimestamp": 0, "dataChange": True}})
        actions.append({"add": {**file, "deletionVector": vector}})
    if not inline:
        (folder / name / "ab").mkdir(exist_ok=True)
        (folder / name / "ab" / f"deletion_vector_{place}.bin").write_bytes(stored)
    commit(name, version, *actions)


vectors = str(folder / "vectors")
write_deltalake(vectors, rows(*range(100_000)))
[first] = added("vectors")
write_deltalake(vectors, rows(*range(100_000, 100_010)), mode="append")
[second] = added("vectors")
# Of every kind of container: runs, an array and a bitmap.
gone = [*range(60_000), *range(70_000, 99_990, 2)]
delete("vectors", 2, [(first, gone), (second, [0, 9])])
record("vectors")

inline = str(folder / "inline")
write_deltalake(inline, rows(1, 2, 3, 4))
[only] = added("inline")
delete("inline", 1, [(only, [1, 3])], inline=True)
record("inline")

# The same with partitions, in a checkpoint.
both = str(folder / "both")
write_deltalake(both, rows(1, 1, 2), partition_by=["word"])
adds = added("both")
delete("both", 1, [(adds[0], [0])])
record("both")

mapped = folder / "mapped"
(mapped / "_delta_log").mkdir(parents=True)


def physical(name, type, place):
    return {
        "name": name,
        "type": type,
        "nullable": True,
        "metadata": {"delta.columnMapping.id": place, "delta.columnMapping.physicalName": f"col-{place}"},
    }


def mapped_file(name, table, word):
    fields = [field.with_metadata({"PARQUET:field_id": field.name.removeprefix("col-")}) for field in table.schema]
    pyarrow.parquet.write_table(table.cast(pyarrow.schema(fields)), mapped / name)
    size = (mapped / name).stat().st_size
    return {"path": name, "partitionValues": {"col-2": word}, "size": size, "modificationTime": 0, "dataChange": True}


columns = [physical("the id", "long", 1), physical("word", "string", 2), physical("new", "double", 3)]
commit(
    "mapped",
    0,
    protocol("columnMapping"),
    {
        "metaData": {
            "id": str(uuid.uuid4()),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": columns}),
            "partitionColumns": ["word"],
            "configuration": {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3"},
            "createdTime": 0,
        }
    },
    {"add": mapped_file("a.parquet", pyarrow.table({"col-1": pyarrow.array([1, 2], pyarrow.int64())}), "w1")},
    {"add": mapped_file("b.parquet", pyarrow.table({"col-3": [0.5], "col-1": pyarrow.array([3], pyarrow.int64())}), "w2")},
)
record("mapped")

# A checkpoint of version 2: metadata as JSON, its files in a sidecar.
second_kind = str(folder / "second")
for key in range(3):
    write_deltalake(second_kind, rows(key), mode="append")
table = DeltaTable(second_kind)
table.create_checkpoint()
classic = log("second") / f"{2:020d}.checkpoint.parquet"
content = pyarrow.parquet.read_table(classic)
sidecars = log("second") / "_sidecars"
sidecars.mkdir()
side = f"{uuid.uuid4()}.parquet"
files = content.select(["add", "remove"]).filter(pyarrow.compute.is_valid(content["add"]))
pyarrow.parquet.write_table(files, sidecars / side)
head = [json.loads(line) for line in (log("second") / f"{0:020d}.json").read_text().splitlines()]
metadata = next(action for action in head if "metaData" in action)
lines = [
    {"checkpointMetadata": {"version": 2}},
    protocol("v2Checkpoint"),
    metadata,
    {"sidecar": {"path": side, "sizeInBytes": (sidecars / side).stat().st_size, "modificationTime": 0}},
]
name = f"{2:020d}.checkpoint.{uuid.uuid4()}.json"
(log("second") / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
classic.unlink()
(log("second") / "_last_checkpoint").unlink()
commit("second", 2, *[json.loads(line) for line in (log("second") / f"{2:020d}.json").read_text().splitlines()], protocol("v2Checkpoint"))
forget("second", 2)
record("second")

print(json.dumps(results))
