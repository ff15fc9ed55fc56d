"""Writes Delta tables with the deltalake package into a folder: some that are read, some that are refused."""

import pathlib
import sys

import pyarrow
from deltalake import DeltaTable, write_deltalake

folder = pathlib.Path(sys.argv[1])


def rows(*keys):
    return pyarrow.table({"id": pyarrow.array(keys, pyarrow.int64()), "word": [f"w{key}" for key in keys]})


plain = str(folder / "plain")
write_deltalake(plain, rows(1, 2))
write_deltalake(plain, rows(3), mode="append")
DeltaTable(plain).delete("id = 1")
write_deltalake(plain, rows(9), mode="overwrite")

write_deltalake(str(folder / "parted"), rows(1, 2), partition_by=["word"])

old = str(folder / "old")
for key in range(3):
    write_deltalake(old, rows(key), mode="append")
DeltaTable(old).create_checkpoint()
# As a clean-up of the log leaves it.
(folder / "old" / "_delta_log" / f"{0:020d}.json").unlink()
