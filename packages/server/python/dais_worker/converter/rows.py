"""Rows to compare the converted model with the original: rows of the input example, and random rows."""

import json
import math

import numpy as np

DRAWN = 256
MOST_EXAMPLES = 200

NUMBERS = {
    "integer": np.int32,
    "long": np.int64,
    "float": np.float32,
    "double": np.float64,
    "int32": np.int32,
    "int64": np.int64,
    "float32": np.float32,
    "float64": np.float64,
}
WHOLE = ("integer", "long", "int32", "int64")


def accepted_rows(model, native, plan, predict):
    """Returns the rows that the original accepts, and how many of them are from the example. Rejected rows cannot be compared."""
    example = _example(model, plan)
    random = np.random.default_rng(plan["seed"])
    drawn = _drawn(example, _categories(native, plan), plan, random)
    examples = 0
    kept = []
    if example is not None and len(example) > 0:
        predict(example)
        kept.append(example)
        examples = len(example)
    accepted = _accepted(drawn, predict)
    if accepted is not None:
        kept.append(accepted)
    if not kept:
        raise ValueError("the model accepts none of the random rows that were generated for its signature: log it with an input example")
    return _joined(kept), examples


def as_json(table):
    """Returns cells by column. The rows of an array are returned under the name of the input."""
    if isinstance(table, np.ndarray):
        return [["input", [[_cell(value) for value in row] for row in table]]]
    return [[str(name), [_cell(value) for value in table[name].to_numpy()]] for name in table.columns]


def _cell(value):
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    # JSON readers parse numbers as doubles.
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def _example(model, plan):
    try:
        example = model.metadata.load_input_example(plan["model"])
    except Exception:
        return None
    if example is None:
        return None
    if plan["form"] == "tensor":
        (_, kind) = plan["columns"][0]
        array = np.asarray(example)
        return None if array.ndim != 2 else array[:MOST_EXAMPLES].astype(NUMBERS[kind])
    import pandas as pd

    if isinstance(example, (dict, list)):
        example = pd.DataFrame(example)
    if not isinstance(example, pd.DataFrame):
        example = pd.DataFrame(np.asarray(example))
    return _typed(example.head(MOST_EXAMPLES), plan)


def _typed(frame, plan):
    import pandas as pd

    names = [name for name, _ in plan["columns"]]
    if not set(names) <= set(frame.columns):
        if len(frame.columns) != len(names):
            return None
        frame = frame.copy()
        frame.columns = names
    frame = frame[names].reset_index(drop=True)
    keep = np.ones(len(frame), dtype=bool)
    for name, kind in plan["columns"]:
        if kind not in ("float", "double"):
            # ONNX has no missing integers or strings.
            keep &= ~frame[name].isna().to_numpy()
    frame = frame[keep].reset_index(drop=True)
    columns = {name: _as_kind(frame[name], kind) for name, kind in plan["columns"]}
    return pd.DataFrame(columns)


def _as_kind(values, kind):
    if kind in NUMBERS:
        return np.asarray(values, dtype=NUMBERS[kind])
    return np.asarray(values, dtype=bool) if kind == "boolean" else np.asarray([str(value) for value in values], dtype=object)


def _drawn(example, categories, plan, random):
    if plan["form"] == "tensor":
        (_, kind) = plan["columns"][0]
        width = plan["width"]
        columns = [
            _numbers(None if example is None else example[:, index], kind, random, False) for index in range(width)
        ]
        return np.column_stack(columns).astype(NUMBERS[kind])
    import pandas as pd

    def column(name, kind):
        known = [] if example is None else list(example[name])
        if name in categories or kind == "string":
            pool = [*known, *categories.get(name, [])] or ["a", "b", "c"]
            picked = [pool[index] for index in random.integers(0, len(pool), DRAWN)]
            return _as_kind(pd.Series(picked, dtype=object), kind)
        if kind == "boolean":
            return random.integers(0, 2, DRAWN).astype(bool)
        return _numbers(None if example is None else np.asarray(example[name]), kind, random, name in plan["gaps"])

    return pd.DataFrame({name: column(name, kind) for name, kind in plan["columns"]})


def _numbers(known, kind, random, gaps):
    """Returns random numbers near to and far from those of the example: integers, or not negative, if those are."""
    known = np.asarray([0.0] if known is None else known, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) == 0:
        known = np.zeros(1)
    spread = float(np.std(known)) or max(1.0, abs(float(known[0])) / 2)
    base = known[random.integers(0, len(known), DRAWN)]
    values = base + random.normal(size=DRAWN) * spread * random.choice([0.1, 1.0, 3.0], DRAWN)
    if known.min() >= 0 and len(known) > 1:
        values = np.abs(values)
    if kind in WHOLE:
        limits = np.iinfo(NUMBERS[kind])
        return np.clip(np.rint(values), limits.min // 2, limits.max // 2).astype(NUMBERS[kind])
    values = values.astype(NUMBERS[kind])
    if gaps:
        values[random.random(DRAWN) < 0.05] = np.nan
    return values


def _accepted(drawn, predict):
    try:
        predict(drawn)
        return drawn
    except Exception:
        pass
    accepted = []
    for index in range(len(drawn)):
        try:
            predict(drawn[index : index + 1])
            accepted.append(index)
        except Exception:
            continue
    if not accepted:
        return None
    return drawn[accepted] if isinstance(drawn, np.ndarray) else drawn.iloc[accepted].reset_index(drop=True)


def _joined(tables):
    if isinstance(tables[0], np.ndarray):
        return np.concatenate(tables)
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def _categories(native, plan):
    """Returns the categories of encoders within the model, by column."""
    found = {}
    names = [name for name, _ in plan["columns"]]

    def collect(step, columns):
        for name, transformer, chosen in getattr(step, "transformers_", None) or []:
            if name != "remainder" or not isinstance(transformer, str):
                own = [chosen] if isinstance(chosen, (str, int)) else list(chosen)
                own = [names[one] if isinstance(one, (int, np.integer)) and one < len(names) else one for one in own]
                collect(transformer, own)
        for _, inner in getattr(step, "steps", None) or []:
            collect(inner, columns)
        categories = getattr(step, "categories_", None)
        if isinstance(categories, list) and len(categories) == len(columns):
            for column, values in zip(columns, categories):
                own = [value.item() if isinstance(value, np.generic) else value for value in values]
                found[column] = [value for value in own if value is not None and value == value]

    collect(native, names)
    return found
