"""Writes Iceberg tables with the pyiceberg package into a folder, and prints the rows that it reads itself.

Delete files, which it reads but does not write, are written here by the specification.
"""

import json
import pathlib
import struct
import sys
import zlib

import pyarrow
import pyarrow.parquet
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField, StringType
from pyroaring import BitMap

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True)
catalog = SqlCatalog("lake", uri=f"sqlite:///{folder.parent}/catalog.db", warehouse=f"file://{folder}")
catalog.create_namespace("lake")
schema = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "word", StringType(), required=False),
)
results = {}


def rows(*keys):
    return pyarrow.table({"id": pyarrow.array(keys, pyarrow.int64()), "word": [f"w{key}" for key in keys]})


def create(name, **more):
    return catalog.create_table(f"lake.{name}", schema, location=f"file://{folder}/{name}", **more)


def record(name, table):
    found = [list(row.values()) for row in table.scan().to_arrow().to_pylist()]
    results.setdefault(name, []).append(
        {
            "snapshot": str(table.metadata.current_snapshot_id),
            "metadata": table.metadata_location.rsplit("/", 1)[1],
            "rows": sorted(found, key=lambda row: row[0]),
        }
    )


plain = create("plain")
plain.append(rows(1, 2))
record("plain", plain)
plain.append(rows(3))
record("plain", plain)
plain.delete("id = 1")
record("plain", plain)
plain.overwrite(rows(9))
record("plain", plain)

by_word = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "word"))
parted = create("parted", partition_spec=by_word)
parted.append(rows(1, 2, 3))
record("parted", parted)

create("empty")

grown = create("grown")
grown.append(rows(1))
with grown.update_schema() as update:
    update.add_column("more", StringType())
grown.append(rows(2).append_column("more", pyarrow.array(["m"])))

renamed = create("renamed")
renamed.append(rows(1))
record("renamed", renamed)
with renamed.update_schema() as update:
    update.rename_column("word", "term")
renamed.append(rows(2).rename_columns(["id", "term"]))
record("renamed", renamed)
# All its files have the current schema again.
renamed.overwrite(rows(3).rename_columns(["id", "term"]))
record("renamed", renamed)

again = create("again")
again.append(rows(1))
with again.update_schema() as update:
    update.delete_column("word")
with again.update_schema() as update:
    update.add_column("word", StringType())
    update.move_first("word")
again.append(rows(2))
with again.update_schema() as update:
    update.move_after("word", "id")
again.append(rows(3))
record("again", again)

packed = create("packed", properties={"write.metadata.compression-codec": "gzip"})
packed.append(rows(7))


class DeleteWriter(ManifestWriterV2):
    """pyiceberg reads deletes but writes none: this writes its data manifests as delete manifests."""

    def content(self):
        return ManifestContent.DELETES


class VectorWriter(DeleteWriter):
    """With the fields of version 3, which locate a bitmap."""

    @property
    def version(self):
        return 3

    def new_writer(self):
        return AvroOutputFile(
            output_file=self._output_file,
            file_schema=self._with_partition(3),
            record_schema=self._with_partition(3),
            schema_name="manifest_entry",
            metadata=self._meta,
        )


def with_deletes(name, table, deletes, kind=DeleteWriter):
    """Adds deletes to the current snapshot of a table: `deletes` are fields of files."""
    snapshot = table.current_snapshot()
    location = f"file://{folder}/{name}/metadata"
    io = table.io
    with kind(
        table.spec(), table.schema(), io.new_output(f"{location}/deletes.avro"), snapshot.snapshot_id, "deflate"
    ) as writer:
        for age, fields in deletes:
            path = pathlib.Path(fields["file_path"].removeprefix("file://"))
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED,
                    snapshot_id=snapshot.snapshot_id,
                    sequence_number=age,
                    file_sequence_number=age,
                    data_file=DataFile.from_args(
                        3 if kind is VectorWriter else 2,
                        partition=Record(),
                        file_size_in_bytes=path.stat().st_size if path.exists() else 1,
                        column_sizes={},
                        value_counts={},
                        null_value_counts={},
                        nan_value_counts={},
                        **{"lower_bounds": {}, "upper_bounds": {}, **fields},
                    ),
                )
            )
    manifests = [*snapshot.manifests(io), writer.to_manifest_file()]
    pathlib.Path(snapshot.manifest_list.removeprefix("file://")).unlink()
    output = io.new_output(snapshot.manifest_list)
    age = snapshot.sequence_number
    with write_manifest_list(2, output, snapshot.snapshot_id, snapshot.parent_snapshot_id, age, "deflate") as lists:
        lists.add_manifests(manifests)


def position_file(name, file, found):
    """`found`: paths and positions, in any order."""
    path = folder / name / "data" / file
    table = pyarrow.table(
        {
            "file_path": pyarrow.array([each for each, _ in found], pyarrow.string()),
            "pos": pyarrow.array([place for _, place in found], pyarrow.int64()),
        }
    )
    pyarrow.parquet.write_table(table, path)
    return {
        "content": DataFileContent.POSITION_DELETES,
        "file_path": f"file://{path}",
        "file_format": FileFormat.PARQUET,
        "record_count": len(found),
    }


def paths(table):
    """The data files, sorted by their first ids."""
    tasks = list(table.scan().plan_files())
    return [task.file.file_path for task in sorted(tasks, key=lambda task: task.file.lower_bounds[1])]


positions = create("positions")
positions.append(rows(*range(10)))
positions.append(rows(*range(10, 20)))
positions.append(rows(*range(20, 30)))
first, second, third = paths(positions)
with_deletes(
    "positions",
    positions,
    [
        (3, position_file("positions", "d1.parquet", [(first, 0), (first, 3), (second, 9), ("file:///elsewhere", 1)])),
        (3, position_file("positions", "d2.parquet", [(first, 3), (first, 4)])),
        (2, position_file("positions", "d3.parquet", [(second, 0)])),
    ],
)
record("positions", catalog.load_table("lake.positions"))

# Deletes that are older than the file that they refer to.
aged = create("aged")
aged.append(rows(1, 2))
aged.append(rows(3, 4))
newer = paths(aged)[1]
# With bounds, without which pyiceberg applies it to all files once it reads it for one.
bounds = {2147483546: newer.encode()}
older = {**position_file("aged", "d1.parquet", [(newer, 0)]), "lower_bounds": bounds, "upper_bounds": bounds}
with_deletes("aged", aged, [(1, older)])
record("aged", catalog.load_table("lake.aged"))


def frame(keys):
    """Returns a bitmap in its file format."""
    data = struct.pack("<IQI", 1681511377, 1, 0) + BitMap(keys).serialize()
    return struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))


def vectors_file(name, bitmaps):
    """`bitmaps`: paths and positions. Returns the location of each."""
    stored = b"PFA1"
    blobs = []
    for of, keys in bitmaps:
        data = frame(keys)
        properties = {"referenced-data-file": of, "cardinality": str(len(keys))}
        blobs.append(
            {
                "type": "deletion-vector-v1",
                "fields": [2147483645],
                "snapshot-id": -1,
                "sequence-number": -1,
                "offset": len(stored),
                "length": len(data),
                "properties": properties,
            }
        )
        stored += data
    footer = json.dumps({"blobs": blobs, "properties": {}}).encode()
    stored += b"PFA1" + footer + struct.pack("<II", len(footer), 0) + b"PFA1"
    path = folder / name / "data" / "vectors.puffin"
    path.write_bytes(stored)
    return [
        {
            "content": DataFileContent.POSITION_DELETES,
            "file_path": f"file://{path}",
            "file_format": FileFormat.PUFFIN,
            "record_count": int(blob["properties"]["cardinality"]),
            "referenced_data_file": blob["properties"]["referenced-data-file"],
            "content_offset": blob["offset"],
            "content_size_in_bytes": blob["length"],
        }
        for blob in blobs
    ]


vectors = create("vectors")
vectors.append(rows(*range(10)))
vectors.append(rows(*range(10, 20)))
first, second = paths(vectors)
found = vectors_file("vectors", [(first, [0, 9]), (second, [1, 2, 3])])
with_deletes("vectors", vectors, [(2, fields) for fields in found], VectorWriter)
record("vectors", catalog.load_table("lake.vectors"))



def equality_file(name, file, ids, table):
    """`ids`: the ids of its columns."""
    fields = [field.with_metadata({"PARQUET:field_id": str(each)}) for each, field in zip(ids, table.schema)]
    path = folder / name / "data" / file
    pyarrow.parquet.write_table(table.cast(pyarrow.schema(fields)), path)
    return {
        "content": DataFileContent.EQUALITY_DELETES,
        "file_path": f"file://{path}",
        "file_format": FileFormat.PARQUET,
        "record_count": table.num_rows,
        "equality_ids": ids,
    }


def of_ids(*keys):
    return pyarrow.table({"id": pyarrow.array(keys, pyarrow.int64())})


# pyiceberg reads no equality deletes: the test has the remaining rows.
equality = create("equality")
equality.append(rows(*range(10)))
equality.append(rows(*range(10, 20)))
equality.append(pyarrow.table({"id": pyarrow.array([20, 21], pyarrow.int64()), "word": pyarrow.array([None, "w3"])}))
first = paths(equality)[0]
pairs = pyarrow.table({"id": pyarrow.array([1, 2], pyarrow.int64()), "word": ["w1", "other"]})
words = pyarrow.table({"word": pyarrow.array([None, "w17"], pyarrow.string())})
with_deletes(
    "equality",
    equality,
    [
        # Does not apply to rows of the same or later commits.
        (2, equality_file("equality", "e1.parquet", [1], of_ids(3, 12))),
        (3, equality_file("equality", "e2.parquet", [1], of_ids(5, 13, 21))),
        (4, equality_file("equality", "e3.parquet", [1, 2], pairs)),
        (4, equality_file("equality", "e4.parquet", [2], words)),
        (4, position_file("equality", "p1.parquet", [(first, 0), (first, 5)])),
    ],
)
results["equality"] = [{"snapshot": str(equality.metadata.current_snapshot_id), "metadata": "", "rows": []}]

# By a column that was renamed later.
turned = create("turned")
turned.append(rows(1, 2))
with turned.update_schema() as update:
    update.rename_column("word", "term")
turned.append(rows(3, 4).rename_columns(["id", "term"]))
terms = pyarrow.table({"term": ["w1", "w4", "w3"]})
with_deletes("turned", turned, [(2, equality_file("turned", "e1.parquet", [2], terms))])
results["turned"] = [{"snapshot": str(turned.metadata.current_snapshot_id), "metadata": "", "rows": []}]

# By a column that was removed later.
dropped = create("dropped")
dropped.append(rows(1, 2))
with dropped.update_schema() as update:
    update.delete_column("word")
dropped.append(of_ids(3))
gone = pyarrow.table({"word": ["w1"]})
with_deletes("dropped", dropped, [(2, equality_file("dropped", "e1.parquet", [2], gone))])

print(json.dumps(results))
