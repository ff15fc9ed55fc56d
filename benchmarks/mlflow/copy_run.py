"""Copies a run that the server's API created, row by row: the requested number of times, faster than the API creates runs.

Every table with rows of the run gets the same rows for each copy, so the tables have the same content as through the API.
Only the distinguishing values differ: id, name, and the values of metrics and parameters.

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
    # Referenced tables come first.
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
    # As its autovacuum does later, so that no query is planned without statistics.
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("analyze"))
        connection.commit()
