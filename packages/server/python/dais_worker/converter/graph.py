"""Converts a fitted model to ONNX, with the columns of its signature as inputs and its prediction as output."""

import json
import re

import numpy as np

# Estimators that compute in float32. Numbers reach a model in the width in which the original computes, otherwise in the other one.
FLOAT_TREES = ("Tree", "Forest", "GradientBoosting", "IsolationForest")
ONNX_ML = 3
# Every runtime since 2023 supports it.
IR_VERSION = 9
# The newest opset that the converters of XGBoost and LightGBM support.
BOOSTED_OPSET = 15


class Unconvertible(ValueError):
    """The model has a part that no attempt can convert."""


def load_native(folder, flavor):
    if flavor == "sklearn":
        import mlflow.sklearn

        return mlflow.sklearn.load_model(folder)
    if flavor == "xgboost":
        import mlflow.xgboost

        return mlflow.xgboost.load_model(folder)
    import mlflow.lightgbm

    return mlflow.lightgbm.load_model(folder)


def attempts(native, plan):
    """Returns the attempts in order. The first one with equal predictions is used."""
    _reject_unknown(native)
    if _family(native) in ("xgboost", "lightgbm") or _is_bare_tree(native):
        return ["float", "double"] if _family(native) == "sklearn" else ["float"]
    shapes = ["columns", "columns-typed", "matrix"] if _by_columns(native, plan) else ["matrix"]
    split = [f"split-{shape}" for shape in shapes] if _ends_in_trees(native) else []
    return [*split, *(f"double-{shape}" for shape in shapes), *(f"float-{shape}" for shape in shapes)]


def converted(native, plan, attempt, expected):
    """@param expected the prediction of the original: its type, dimensions and name become those of the output"""
    import onnx

    width, _, shape = attempt.partition("-")
    shape = shape or "matrix"
    target = {"": plan["opset"], "ai.onnx.ml": ONNX_ML}
    inner = _inner(native, plan, width, shape, target)
    inner = onnx.compose.add_prefix(inner, "model/")
    prediction = _prediction_output(native, inner, plan["predictFn"])
    return _whole(inner, plan, shape, prediction, expected)


def report(native, model):
    estimators = []
    for step in _estimators(native):
        if type(step).__name__ not in estimators:
            estimators.append(type(step).__name__)
    opset = max(one.version for one in model.opset_import if one.domain == "")
    return {"estimators": estimators, "operators": len(model.graph.node), "opset": opset}


def _family(native):
    module = type(native).__module__.partition(".")[0]
    return module if module in ("xgboost", "lightgbm") else "sklearn"


def _is_bare_tree(native):
    return any(word in type(native).__name__ for word in FLOAT_TREES)


def _ends_in_trees(native):
    """Trees read float32 whatever type the step before them returns, so a value close to a threshold can take the other branch."""
    steps = getattr(native, "steps", None) or []
    return len(steps) > 1 and (_is_bare_tree(steps[-1][1]) or _family(steps[-1][1]) != "sklearn")


def _by_columns(native, plan):
    """Whether the model selects its columns by name, or has string columns."""
    if plan["form"] != "columns":
        return False
    kinds = {kind for _, kind in plan["columns"]}
    return "string" in kinds or any(hasattr(step, "transformers_") for step in _estimators(native))


def _estimators(native):
    """Yields the model and all its parts."""
    yield native
    inner = [step for _, step in getattr(native, "steps", None) or []]
    inner += [step for _, step, _ in getattr(native, "transformers_", None) or []]
    inner += [step for _, step in getattr(native, "transformer_list", None) or []]
    inner += list(native.estimators_) if _is_meta(native) and hasattr(native, "estimators_") else []
    inner += [getattr(native, name) for name in ("final_estimator_", "best_estimator_") if hasattr(native, name)]
    for step in inner:
        if not isinstance(step, str) and step is not None:
            yield from _estimators(step)


def _is_meta(native):
    return any(word in type(native).__name__ for word in ("Voting", "Stacking", "MultiOutput", "OneVs", "Chain"))


def _reject_unknown(native):
    """Rejects estimators without a converter before the first attempt."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    _register()
    containers = ("Pipeline", "ColumnTransformer", "FeatureUnion", "Booster")
    unknown = []
    for step in _estimators(native):
        name = type(step).__name__
        if getattr(step, "func", None) is not None:
            name = f"{name} with the function {getattr(step.func, '__name__', '<unnamed>')}"
        elif type(step) in sklearn_operator_name_map or name in containers:
            continue
        if name not in unknown:
            unknown.append(name)
    if unknown:
        raise Unconvertible(f"there is no converter to ONNX for {', '.join(unknown)}")


def _register():
    """Registers estimators of XGBoost and LightGBM as steps of scikit-learn pipelines."""
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as of_classifier,
        calculate_linear_regressor_output_shapes as of_regressor,
    )

    from skl2onnx.shape_calculators.imputer import calculate_sklearn_imputer_output_shapes as of_imputer
    from sklearn.impute import SimpleImputer

    update_registered_converter(SimpleImputer, "DaisSimpleImputer", of_imputer, _impute)
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    try:
        from xgboost import XGBClassifier, XGBRegressor

        update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", of_classifier, convert_xgboost, options=options)
        update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", of_regressor, convert_xgboost)
    except ImportError:
        pass
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor

        update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", of_classifier, convert_lightgbm, options=options)
        update_registered_converter(LGBMRegressor, "LightGbmLGBMRegressor", of_regressor, convert_lightgbm, options={"split": None})
    except ImportError:
        pass


def _impute(scope, operator, container):
    """Converts SimpleImputer to Where, because the Imputer operator computes in float32 only."""
    from skl2onnx.common.data_types import DoubleTensorType
    from skl2onnx.operator_converters.common import concatenate_variables
    from skl2onnx.operator_converters.imputer_op import convert_sklearn_imputer

    native = operator.raw_operator
    statistics = np.asarray(native.statistics_)
    doubles = all(isinstance(one.type, DoubleTensorType) for one in operator.inputs) and statistics.dtype.kind == "f"
    gaps = isinstance(native.missing_values, float) and np.isnan(native.missing_values)
    if not doubles or not gaps or np.isnan(statistics).any() or native.add_indicator:
        convert_sklearn_imputer(scope, operator, container)
        return
    source = concatenate_variables(scope, operator.inputs, container)
    values = scope.get_unique_variable_name("statistics")
    missing = scope.get_unique_variable_name("missing")
    container.add_initializer(values, 11, [1, len(statistics)], statistics.astype(np.float64).tolist())
    container.add_node("IsNaN", [source], [missing], op_version=9, name=scope.get_unique_operator_name("IsNaN"))
    made = operator.outputs[0].full_name
    where = scope.get_unique_operator_name("Where")
    container.add_node("Where", [missing, values, source], [made], op_version=9, name=where)


def _inner(native, plan, width, shape, target):
    from skl2onnx.common import data_types as types

    number = types.FloatTensorType if width == "float" else types.DoubleTensorType
    if shape == "matrix":
        texts = {kind for _, kind in plan["columns"]} == {"string"}
        wide = plan["width"] if plan["form"] == "tensor" else len(plan["columns"])
        initial = [("X", (types.StringTensorType if texts else number)([None, wide]))]
    else:
        typed = shape == "columns-typed"
        initial = [(name, _column_type(types, kind, number, typed)([None, 1])) for name, kind in plan["columns"]]
    if width != "split":
        return _graph_of(native, initial, target)
    from sklearn.pipeline import Pipeline

    last = native.steps[-1][1]
    front = _graph_of(Pipeline(native.steps[:-1]), initial, target)
    wide = front.graph.output[0].type.tensor_type.shape.dim[1].dim_value or last.n_features_in_
    return _in_a_row(front, _graph_of(last, [("X", types.FloatTensorType([None, wide]))], target))


def _graph_of(native, initial, target):
    from skl2onnx import convert_sklearn

    family = _family(native)
    if family == "sklearn":
        _register()
        for step in _estimators(native):
            # The converter expects a list; newer versions of scikit-learn have a matrix of one row.
            if hasattr(step, "_baseline_prediction"):
                step._baseline_prediction = np.ravel(step._baseline_prediction)
        options = {id(native): {"zipmap": False}} if _has_labels(native) else None
        model = convert_sklearn(native, initial_types=initial, target_opset=target, options=options)
        return _with_gaps(native, model)
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    wide = [("X", FloatTensorType([None, initial[0][1].shape[1]]))]
    opset = min(target[""], BOOSTED_OPSET)
    if family == "xgboost":
        booster = native if type(native).__name__ == "Booster" else native.get_booster()
        # The converter identifies columns by position.
        booster.feature_names = None
        return onnxmltools.convert_xgboost(native, initial_types=wide, target_opset=opset)
    return onnxmltools.convert_lightgbm(native, initial_types=wide, target_opset=opset, zipmap=False)


def _with_gaps(native, model):
    """Adds the branch for missing values of each tree node, which the converter of scikit-learn omits."""
    from onnx import helper

    last = native.steps[-1][1] if getattr(native, "steps", None) else native
    members = getattr(last, "estimators_", None)
    trees = [last] if hasattr(last, "tree_") else [] if members is None else list(np.ravel(members))
    if not trees or not all(hasattr(getattr(tree, "tree_", None), "missing_go_to_left") for tree in trees):
        return model
    for node in model.graph.node:
        if not node.op_type.startswith("TreeEnsemble"):
            continue
        own = {attribute.name: attribute for attribute in node.attribute}
        places = zip(own["nodes_treeids"].ints, own["nodes_nodeids"].ints)
        sides = [int(trees[tree].tree_.missing_go_to_left[place]) for tree, place in places]
        if "nodes_missing_value_tracks_true" in own:
            node.attribute.remove(own["nodes_missing_value_tracks_true"])
        node.attribute.append(helper.make_attribute("nodes_missing_value_tracks_true", sides))
    return model


def _in_a_row(front, back):
    """Chains two models: the second reads the output of the first as float32."""
    from onnx import TensorProto, compose, helper

    front, back = compose.add_prefix(front, "front/"), compose.add_prefix(back, "back/")
    cast = helper.make_node("Cast", [front.graph.output[0].name], [back.graph.input[0].name], to=TensorProto.FLOAT)
    nodes = [*front.graph.node, cast, *back.graph.node]
    constants = [*front.graph.initializer, *back.graph.initializer]
    graph = helper.make_graph(nodes, "both", front.graph.input, back.graph.output, constants)
    return helper.make_model(graph, opset_imports=_opsets(0, front, back), functions=[*front.functions, *back.functions])


def _opsets(least, *models):
    """Returns each domain once. Converters can repeat a domain, and omit domains without operators."""
    from onnx import helper

    found = {"": least} if least > 0 else {}
    for one in (one for model in models for one in model.opset_import):
        found[one.domain] = max(one.version, found.get(one.domain, 0))
    return [helper.make_opsetid(domain, version) for domain, version in found.items()]


def _column_type(types, kind, number, typed):
    if kind == "string":
        return types.StringTensorType
    if not typed:
        return number
    if kind in ("long", "integer"):
        return types.Int64TensorType
    return types.BooleanTensorType if kind == "boolean" else number


def _has_labels(native):
    last = native.steps[-1][1] if getattr(native, "steps", None) else native
    return hasattr(last, "classes_") and hasattr(last, "predict_proba")


def _prediction_output(native, inner, method):
    """Returns the output of the converted model that is the prediction: its name, and a column if only one is used."""
    names = [output.name for output in inner.graph.output]
    if method == "predict_proba":
        if len(names) < 2:
            raise Unconvertible(f"{type(native).__name__} returns no probabilities")
        return names[1], None
    if type(native).__name__ != "Booster":
        return names[0], None
    objective = _objective(native)
    if objective in ("binary:logistic", "reg:logistic", "binary"):
        return (names[1], 1) if len(names) > 1 else (names[0], None)
    if objective in ("multi:softprob", "multiclass", "multiclassova"):
        return names[1], None
    return names[0], None


def _objective(booster):
    if hasattr(booster, "save_config"):
        return json.loads(booster.save_config())["learner"]["objective"]["name"]
    return str(booster.params.get("objective") or booster.dump_model().get("objective", "")).split(" ")[0]


def _inputs_by_index(names, inner):
    """Returns the inputs of the converted model by column index. The converter replaces characters in names and omits unused columns."""
    if len(names) == len(inner):
        return dict(enumerate(inner))
    indexes = {re.sub(r"\W", "_", name): index for index, name in enumerate(names)}
    return {indexes[re.sub(r"\W", "_", name.removeprefix("model/").removeprefix("front/"))]: name for name in inner}


def _whole(inner, plan, shape, prediction, expected):
    """Adds the columns of the signature before the model, and the shape of the original prediction after it."""
    from onnx import checker, helper

    front, inputs = _before(inner, plan, shape)
    back, constants, output = _behind(prediction, plan, expected)
    nodes = [*front, *inner.graph.node, *back]
    # If the converted model has no operators of the default domain, the added ones determine the opset.
    opset = 0 if any(one.domain == "" for one in inner.opset_import) else plan["opset"]
    graph = helper.make_graph(nodes, "converted", inputs, [output], [*inner.graph.initializer, *constants])
    model = helper.make_model(
        graph, opset_imports=_opsets(opset, inner), producer_name="dais", functions=list(inner.functions)
    )
    model.ir_version = min(IR_VERSION, inner.ir_version)
    checker.check_model(model)
    return model


def _before(inner, plan, shape):
    from onnx import TensorProto, helper

    kinds = {
        "boolean": TensorProto.BOOL,
        "integer": TensorProto.INT32,
        "int32": TensorProto.INT32,
        "long": TensorProto.INT64,
        "int64": TensorProto.INT64,
        "float": TensorProto.FLOAT,
        "float32": TensorProto.FLOAT,
        "double": TensorProto.DOUBLE,
        "float64": TensorProto.DOUBLE,
        "string": TensorProto.STRING,
    }
    types = {value.name: value.type.tensor_type.elem_type for value in inner.graph.input}
    nodes = []

    def reach(name, kind, made, to):
        if kinds[kind] == to:
            nodes.append(helper.make_node("Identity", [name], [made]))
            return
        if kind in ("long", "integer", "int32", "int64") and to == TensorProto.FLOAT:
            # numpy converts arrays of mixed numbers to doubles first.
            nodes.append(helper.make_node("Cast", [name], [f"{made}/wide"], to=TensorProto.DOUBLE))
            name = f"{made}/wide"
        nodes.append(helper.make_node("Cast", [name], [made], to=to))

    matrix = inner.graph.input[0].name
    wide = plan["width"] if plan["form"] == "tensor" else 1
    inputs = [helper.make_tensor_value_info(name, kinds[kind], [None, wide]) for name, kind in plan["columns"]]
    if plan["form"] == "tensor":
        reach(*plan["columns"][0], matrix, types[matrix])
    elif shape == "matrix":
        for place, (name, kind) in enumerate(plan["columns"]):
            reach(name, kind, f"column/{place}", types[matrix])
        parts = [f"column/{place}" for place in range(len(plan["columns"]))]
        nodes.append(helper.make_node("Concat", parts, [matrix], axis=1))
    else:
        inside = _inputs_by_index([name for name, _ in plan["columns"]], list(types))
        for place, (name, kind) in enumerate(plan["columns"]):
            if place in inside:
                reach(name, kind, inside[place], types[inside[place]])
    return nodes, inputs


def _behind(prediction, plan, expected):
    from onnx import TensorProto, helper, numpy_helper

    source, column = prediction
    nodes, constants = [], []
    if column is not None:
        constants.append(numpy_helper.from_array(np.array([column], dtype=np.int64), "answer/column"))
        nodes.append(helper.make_node("Gather", [source, "answer/column"], ["answer/one"], axis=1))
        source = "answer/one"
    data = expected.data
    to = TensorProto.STRING if data.dtype == object else helper.np_dtype_to_tensor_dtype(data.dtype)
    if to != TensorProto.STRING:
        nodes.append(helper.make_node("Cast", [source], ["answer/cast"], to=to))
        source = "answer/cast"
    constants.append(numpy_helper.from_array(np.array([-1, *data.shape[1:]], dtype=np.int64), "answer/shape"))
    taken = expected.name in [name for name, _ in plan["columns"]]
    name = f"{expected.name}/predicted" if taken else expected.name
    nodes.append(helper.make_node("Reshape", [source, "answer/shape"], [name]))
    return nodes, constants, helper.make_tensor_value_info(name, to, [None, *data.shape[1:]])
