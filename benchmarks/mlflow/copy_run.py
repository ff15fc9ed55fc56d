"""Copies a run that the server's API made, row by row: as many runs again as asked for, faster than the API makes them.

Whatever table has rows of the run gets the same rows for each copy, so the tables end as the API would have left them.
Only what tells runs apart differs: id, name, and the values of metrics and parameters.

copy_run.py DATABASE RUN TIMES
"""

import sys
import uuid

import sqlalchemy

address, original, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
AT_ONCE = 250

engine = sqlalchemy.create_engine(address)
tables = sqlalchemy.MetaData()
tables.reflect(engine)


def copy(table, row, number, run):
    made = {**row, "run_uuid": run}
    if table == "runs":
        made["name"] = f"run-{number}"
        made["artifact_uri"] = row["artifact_uri"].replace(original, run)
    elif table == "tags" and row["key"] == "mlflow.runName":
        made["value"] = f"run-{number}"
    elif table == "params":
        made["value"] = str((number + int(row["key"][1:])) % 10)
    elif table in ("metrics", "latest_metrics"):
        made["value"] = float((number * 7919 + int(row["key"][1:])) % 1000)
    return made


with engine.begin() as connection:
    # Those that others refer to come first.
    of_runs = [table for table in tables.sorted_tables if "run_uuid" in table.columns]
    found = {
        table: [
            dict(row._mapping)
            for row in connection.execute(sqlalchemy.select(table).where(table.columns.run_uuid == original))
        ]
        for table in of_runs
    }
    for begin in range(0, times, AT_ONCE):
        copies = [(number, uuid.uuid4().hex) for number in range(begin + 1, min(begin + AT_ONCE, times) + 1)]
        for table, rows in found.items():
            made = [copy(table.name, row, number, run) for number, run in copies for row in rows]
            if made:
                connection.execute(table.insert(), made)
    print(", ".join(f"{len(rows)} rows of {table.name}" for table, rows in found.items() if rows))
if engine.dialect.name == "postgresql":
    # As its autovacuum does after a while, so that no query has to be planned without statistics.
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("analyze"))
        connection.commit()
