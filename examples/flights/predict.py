"""Loads the champion by its alias and predicts three flights."""

import mlflow
from flights import make_flights

flights = make_flights(rows=3, seed=8)
model = mlflow.pyfunc.load_model("models:/flight-delay@champion")
predicted = model.predict(flights.drop(columns="delay"))
for (_, flight), minutes in zip(flights.iterrows(), predicted):
    print(f"{flight.carrier} {flight.origin}-{flight.destination} at {flight.hour}: {minutes:.0f} minutes late")
