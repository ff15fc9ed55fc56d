"""Writes Iceberg tables with the pyiceberg package into a folder: some that are read, some that are refused."""

import json
import pathlib
import sys

import pyarrow
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

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True)
catalog = SqlCatalog("lake", uri=f"sqlite:///{folder.parent}/catalog.db", warehouse=f"file://{folder}")
catalog.create_namespace("lake")
schema = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "word", StringType(), required=False),
)
told = {}


def rows(*keys):
    return pyarrow.table({"id": pyarrow.array(keys, pyarrow.int64()), "word": [f"w{key}" for key in keys]})


def create(name, **more):
    return catalog.create_table(f"lake.{name}", schema, location=f"file://{folder}/{name}", **more)


def tell(name, table):
    told.setdefault(name, []).append(
        {
            "snapshot": str(table.metadata.current_snapshot_id),
            "metadata": table.metadata_location.rsplit("/", 1)[1],
        }
    )


plain = create("plain")
plain.append(rows(1, 2))
tell("plain", plain)
plain.append(rows(3))
tell("plain", plain)
plain.delete("id = 1")
tell("plain", plain)
plain.overwrite(rows(9))
tell("plain", plain)

by_word = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "word"))
parted = create("parted", partition_spec=by_word)
parted.append(rows(1, 2, 3))
tell("parted", parted)

create("empty")

grown = create("grown")
grown.append(rows(1))
with grown.update_schema() as update:
    update.add_column("more", StringType())
grown.append(rows(2).append_column("more", pyarrow.array(["m"])))

renamed = create("renamed")
renamed.append(rows(1))
tell("renamed", renamed)
with renamed.update_schema() as update:
    update.rename_column("word", "term")
renamed.append(rows(2).rename_columns(["id", "term"]))
tell("renamed", renamed)
# All its files are of the present schema again.
renamed.overwrite(rows(3).rename_columns(["id", "term"]))
tell("renamed", renamed)

again = create("again")
again.append(rows(1))
with again.update_schema() as update:
    update.delete_column("word")
with again.update_schema() as update:
    update.add_column("word", StringType())
again.append(rows(2))

packed = create("packed", properties={"write.metadata.compression-codec": "gzip"})
packed.append(rows(7))


class DeleteWriter(ManifestWriterV2):
    """pyiceberg reads deletes and writes none: what it writes of data, said of deletes."""

    def content(self):
        return ManifestContent.DELETES


def with_deletes(name, content):
    table = create(name)
    table.append(rows(1, 2))
    snapshot = table.current_snapshot()
    location = f"file://{folder}/{name}/metadata"
    io = table.io
    with DeleteWriter(table.spec(), table.schema(), io.new_output(f"{location}/deletes.avro"), snapshot.snapshot_id, "deflate") as writer:
        writer.add_entry(
            ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED,
                snapshot_id=snapshot.snapshot_id,
                sequence_number=1,
                file_sequence_number=1,
                data_file=DataFile.from_args(
                    content=content,
                    file_path=f"file://{folder}/{name}/data/deletes.parquet",
                    file_format=FileFormat.PARQUET,
                    partition=Record(),
                    record_count=1,
                    file_size_in_bytes=1,
                    column_sizes={},
                    value_counts={},
                    null_value_counts={},
                    nan_value_counts={},
                    lower_bounds={},
                    upper_bounds={},
                    equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
                ),
            )
        )
    manifests = [*snapshot.manifests(io), writer.to_manifest_file()]
    pathlib.Path(snapshot.manifest_list.removeprefix("file://")).unlink()
    output = io.new_output(snapshot.manifest_list)
    with write_manifest_list(2, output, snapshot.snapshot_id, None, 1, "deflate") as lists:
        lists.add_manifests(manifests)


with_deletes("positions", DataFileContent.POSITION_DELETES)
with_deletes("equality", DataFileContent.EQUALITY_DELETES)

print(json.dumps(told))
