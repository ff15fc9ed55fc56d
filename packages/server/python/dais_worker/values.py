"""Converts tensors to the input of a model, and its output to tensors."""

import decimal
import json

import numpy as np

from .frames import Tensor, datatype_of


def to_input(tensors, plan):
    """Returns the input of the model. `plan["form"]`: columns (a DataFrame), tensor (one array), tensors (arrays by name), open (no signature)."""
    form = plan["form"]
    if form == "columns":
        return _frame([(_column_name(tensor.name, plan), _column(tensor, plan["types"].get(tensor.name))) for tensor in tensors])
    if form == "tensors":
        return {tensor.name: _array(tensor) for tensor in tensors}
    if form == "tensor" or (len(tensors) == 1 and (tensors[0].data.ndim > 1 or tensors[0].name == "input")):
        return _array(tensors[0])
    return _frame([(tensor.name, _column(tensor, None)) for tensor in tensors])


def to_tensors(result, names):
    """Converts a result of any type. `names`: the outputs of the signature."""
    if hasattr(result, "columns") and hasattr(result, "dtypes"):
        return [_tensor(str(name), result[name].to_numpy()) for name in result.columns]
    if isinstance(result, dict):
        return [_tensor(str(name), _as_array(value)) for name, value in result.items()]
    if hasattr(result, "toarray"):
        result = result.toarray()
    name = names[0] if len(names) == 1 else getattr(result, "name", None)
    return [_tensor(str(name) if name is not None else "output", _as_array(result))]


def _frame(columns):
    import pandas as pd

    frame = pd.DataFrame(dict(enumerate(values for _, values in columns)))
    frame.columns = [name for name, _ in columns]
    return frame


def _column_name(name, plan):
    return name if plan["named"] else int(name)


def _column(tensor, kind):
    data, nulls = tensor.data, tensor.nulls
    if data.ndim > 1:
        data = data.reshape(len(data), -1) if data.shape[1:] != (1,) else data.reshape(-1)
        if data.ndim > 1:
            return list(data)
    if data.dtype == object:
        if kind == "binary":
            values = data.copy()
        elif kind == "json":
            values = _objects([json.loads(value) for value in data])
        else:
            values = _objects([value.decode() for value in data])
        if nulls is not None:
            values[nulls.reshape(-1)] = None
        if kind == "datetime":
            import pandas as pd

            values = pd.to_datetime(pd.Series(values), format="ISO8601", utc=True).dt.tz_localize(None)
        return values
    if nulls is not None and nulls.any():
        values = data.astype(object)
        values[nulls.reshape(-1)] = None
        return values
    return data


def _objects(values):
    """Returns a one-dimensional array: numpy turns lists of equal length into a second dimension."""
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        array[index] = value
    return array


def _array(tensor):
    if tensor.data.dtype != object:
        return tensor.data
    flat = [value.decode() for value in tensor.data.ravel()]
    return np.array(flat, dtype=object if tensor.nulls is not None else np.str_).reshape(tensor.data.shape)


def _as_array(value):
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (dict, list, tuple, set)) or item is None for item in value):
            try:
                array = np.asarray(value)
                if array.dtype != object and array.dtype.kind != "U":
                    return array
            except ValueError:
                pass
            return _objects(list(value))
        return np.asarray(value)
    return np.asarray([value] if np.isscalar(value) or isinstance(value, (dict, type(None))) else value)


def _tensor(name, array):
    if array.ndim == 0:
        array = array.reshape(1)
    if array.dtype.kind == "M":
        nulls = np.isnat(array)
        texts = np.datetime_as_string(array, unit="us")
        return Tensor(name, _objects([text.encode() for text in texts.ravel()]).reshape(array.shape), nulls if nulls.any() else None)
    if array.dtype.kind == "U":
        return Tensor(name, _objects([str(text).encode() for text in array.ravel()]).reshape(array.shape))
    if array.dtype.kind == "S":
        return Tensor(name, _objects([bytes(text) for text in array.ravel()]).reshape(array.shape))
    if array.dtype == object:
        return _mixed(name, array)
    if datatype_of(array.dtype) is None:
        array = array.astype(np.float64)
    return Tensor(name, array)


def _mixed(name, array):
    flat = array.ravel()
    missing = np.array([_is_missing(value) for value in flat], dtype=bool)
    present = [value for value, is_missing in zip(flat, missing) if not is_missing]
    if present and all(isinstance(value, (bool, np.bool_)) for value in present):
        flags = np.array([not lost and bool(value) for value, lost in zip(flat, missing)], dtype=bool)
        return Tensor(name, flags.reshape(array.shape), missing.reshape(array.shape) if missing.any() else None)
    if present and all(_is_number(value) for value in present):
        if missing.any() or any(isinstance(value, (float, decimal.Decimal, np.floating)) for value in present):
            numbers = np.array([np.nan if is_missing else float(value) for value, is_missing in zip(flat, missing)])
        else:
            numbers = np.array([int(value) for value in flat], dtype=np.int64)
        return Tensor(name, numbers.reshape(array.shape))
    texts = _objects([b"" if is_missing else _text(value) for value, is_missing in zip(flat, missing)])
    return Tensor(name, texts.reshape(array.shape), missing.reshape(array.shape) if missing.any() else None)


def _is_missing(value):
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")


def _is_number(value):
    return isinstance(value, (int, float, decimal.Decimal, np.integer, np.floating)) and not isinstance(value, bool)


def _text(value):
    if isinstance(value, bytes):
        return value
    # Times and dates in ISO 8601; other types without a JSON form (identifiers, durations) as their text.
    if hasattr(value, "isoformat"):
        return value.isoformat().encode()
    if isinstance(value, (dict, list, tuple, np.generic, np.ndarray, bool, int, float)):
        return json.dumps(value, default=_plain).encode()
    return str(value).encode()


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
