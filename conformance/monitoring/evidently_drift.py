"""Results of Evidently's own drift methods, its selection among them, and statsmodels' corrections for the cases."""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import registry
from evidently.legacy.core import ColumnType
from statsmodels.stats.multitest import multipletests

warnings.filterwarnings("ignore")


def score(name, reference, current, kind):
    test = registry.get_stattest(pd.Series(reference), pd.Series(current), kind, name)
    value = test(pd.Series(reference), pd.Series(current), kind, None).drift_score
    return float(value) if np.isfinite(value) else None


def chosen(reference, current, kind):
    return registry._get_default_stattest(pd.Series(reference), pd.Series(current), kind).name


def numbers(case):
    reference, current = case["reference"], case["current"]
    kind = ColumnType.Numerical
    return {
        "chosen": chosen(reference, current, kind),
        **{name: score(name, reference, current, kind) for name in ("psi", "jensenshannon", "wasserstein", "ks")},
    }


def categories(case):
    reference, current = case["words"]
    kind = ColumnType.Categorical
    return {
        "chosen": chosen(reference, current, kind),
        **{name: score(name, reference, current, kind) for name in ("psi", "jensenshannon", "hellinger")},
        "z": score("z", reference, current, kind) if len(set(reference) | set(current)) == 2 else None,
    }


def tails(case):
    return {
        ours: multipletests(case["pValues"], method=theirs)[1].tolist()
        for ours, theirs in (("bonferroni", "bonferroni"), ("holm", "holm"), ("benjamini-hochberg", "fdr_bh"))
    }


cases = json.load(sys.stdin)
json.dump(
    {
        "numbers": [numbers(case) for case in cases["numbers"]],
        "categories": [categories(case) for case in cases["categories"]],
        "tails": [tails(case) for case in cases["tails"]],
    },
    sys.stdout,
)
