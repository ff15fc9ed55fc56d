"""Generates flights and their delays: the same for the same seed, without a download.

A delay depends on the aircraft's previous flight, the weather, the hour and the traffic of the airport.
"""

import numpy as np
import pandas as pd

CARRIERS = {"Northwind": 0.0, "Blue Line": 3.0, "Meridian": 6.0, "Skyhop": 10.0}
AIRPORTS = {"HAM": 0.3, "MUC": 0.6, "FRA": 1.0, "OSL": 0.4, "LIS": 0.7, "VIE": 0.5}


def make_flights(rows: int = 5_000, seed: int = 7) -> pd.DataFrame:
    """Returns one row per flight; `delay` is the arrival delay in minutes, at least 0."""
    random = np.random.default_rng(seed)
    flights = pd.DataFrame(
        {
            "carrier": random.choice(list(CARRIERS), rows),
            "origin": random.choice(list(AIRPORTS), rows),
            "destination": random.choice(list(AIRPORTS), rows),
            "month": random.integers(1, 13, rows),
            "hour": random.integers(5, 24, rows),
            "distance_km": random.integers(250, 2_500, rows).astype(float),
            "wind_kmh": random.gamma(3.0, 7.0, rows).round(1),
            "delay_before": random.exponential(8.0, rows).round(1),
        }
    )
    crowd = flights["origin"].map(AIRPORTS) * (1.0 + 0.05 * (flights["hour"] - 5))
    storm = np.maximum(flights["wind_kmh"] - 35.0, 0.0)
    minutes = (
        0.7 * flights["delay_before"]
        + flights["carrier"].map(CARRIERS)
        + 12.0 * crowd
        + 1.5 * storm
        + 5.0 * flights["month"].isin([7, 8, 12])
        + random.normal(0.0, 6.0, rows)
        - 10.0
    )
    flights["delay"] = minutes.clip(lower=0.0).round(1)
    return flights
