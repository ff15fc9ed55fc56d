"""Results of SciPy, scikit-learn and fairlearn for the cases on standard input, as JSON."""

import json
import sys
import warnings

import numpy as np
from fairlearn import metrics as fair
from scipy import special, stats
from scipy.spatial import distance
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

warnings.filterwarnings("ignore")


def number(value):
    """JSON has no NaN and no infinity."""
    value = float(value)
    return value if np.isfinite(value) else None


def of_counts(reference, current):
    p, q = np.array(reference) / sum(reference), np.array(current) / sum(current)
    both = np.array([reference, current])
    test = stats.chi2_contingency(both[:, both.sum(axis=0) > 0], correction=False)
    return {
        "js_distance_ln": number(distance.jensenshannon(p, q)),
        "js_distance_log2": number(distance.jensenshannon(p, q, base=2)),
        "jsd_log2": number(distance.jensenshannon(p, q, base=2) ** 2),
        "hellinger": number(np.sqrt(max(0, 1 - np.sum(np.sqrt(p * q))))),
        "l_infinity": number(distance.chebyshev(p, q)),
        "total_variation": number(distance.cityblock(p, q) / 2),
        "chi_square": number(test.statistic),
        "chi_square_p": number(test.pvalue),
    }


def numbers(case):
    reference, current = np.array(case["reference"]), np.array(case["current"])
    edges = np.array(case["edges"])
    counts = [
        np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).tolist()
        for values in (reference, current)
    ]
    ks = stats.ks_2samp(reference, current, method=case["method"])
    w1 = stats.wasserstein_distance(reference, current)
    return {
        "counts": counts,
        "ks": number(ks.statistic),
        "ks_p": number(ks.pvalue),
        "wasserstein": number(w1),
        "wasserstein_normed": number(w1 / max(np.std(reference), 0.001)),
        "mean": number(np.mean(current)),
        "squares": number(np.var(current) * len(current)),
        **{name: value for name, value in of_counts(*counts).items()},
    }


def binary(case):
    y, predicted, scores = np.array(case["actual"]), np.array(case["predicted"]), np.array(case["scores"])
    both = len(set(y)) == 2
    order = np.argsort(scores, kind="stable")
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores[order], y[order])
    return {
        "accuracy": number(metrics.accuracy_score(y, predicted)),
        "precision": number(metrics.precision_score(y, predicted, zero_division=np.nan)),
        "recall": number(metrics.recall_score(y, predicted, zero_division=np.nan)),
        "specificity": number(metrics.recall_score(1 - y, 1 - predicted, zero_division=np.nan)),
        "f1": number(metrics.f1_score(y, predicted, zero_division=np.nan)),
        "rocAuc": number(metrics.roc_auc_score(y, scores)) if both else None,
        "prAuc": number(metrics.average_precision_score(y, scores)) if y.any() else None,
        "logLoss": number(metrics.log_loss(y, scores, labels=[0, 1])),
        "brier": number(metrics.brier_score_loss(y, scores, pos_label=1)),
        "calibrated": isotonic.predict(case["at"]).tolist(),
    }


def classes(case):
    y, predicted = case["actual"], case["predicted"]
    options = {"zero_division": 0}
    return {
        "confusion": metrics.confusion_matrix(y, predicted).tolist(),
        "accuracy": number(metrics.accuracy_score(y, predicted)),
        "macroPrecision": number(metrics.precision_score(y, predicted, average="macro", **options)),
        "macroRecall": number(metrics.recall_score(y, predicted, average="macro", **options)),
        "macroF1": number(metrics.f1_score(y, predicted, average="macro", **options)),
        "balancedAccuracy": number(metrics.balanced_accuracy_score(y, predicted)),
    }


def regression(case):
    y, predicted = np.array(case["actual"]), np.array(case["predicted"])
    there = y != 0
    return {
        "mae": number(metrics.mean_absolute_error(y, predicted)),
        "rmse": number(metrics.root_mean_squared_error(y, predicted)),
        "mape": number(metrics.mean_absolute_percentage_error(y[there], predicted[there])) if there.any() else None,
        "r2": number(metrics.r2_score(y, predicted)) if len(set(y)) > 1 else None,
        "bias": number(np.mean(predicted - y)),
        "maeInterval": [number(one) for one in mean_interval(np.abs(predicted - y))],
    }


def mean_interval(values):
    half = stats.norm.ppf(0.975) * np.std(values, ddof=1) / np.sqrt(len(values))
    return np.mean(values) - half, np.mean(values) + half


def fairness(case):
    y, predicted, groups = case["actual"], case["predicted"], case["groups"]
    given = {"y_true": y, "y_pred": predicted, "sensitive_features": groups}
    return {
        "demographicParityDifference": number(fair.demographic_parity_difference(**given)),
        "demographicParityRatio": number(fair.demographic_parity_ratio(**given)),
        "equalizedOddsDifference": number(fair.equalized_odds_difference(**given)),
        "equalizedOddsRatio": number(fair.equalized_odds_ratio(**given)),
        "equalOpportunityDifference": number(fair.equal_opportunity_difference(**given)),
        "selection": fair.MetricFrame(
            metrics=fair.selection_rate, y_true=y, y_pred=predicted, sensitive_features=groups
        ).by_group.to_dict(),
    }


def attributions(case):
    return {"ndcg": number(metrics.ndcg_score([case["baseline"]], [case["current"]]))}


def tails(case):
    return {
        "chiSquare": [number(stats.chi2.sf(x, k)) for x, k in case["chiSquare"]],
        "normal": [number(special.ndtr(z)) for z in case["normal"]],
        "normalQuantile": [number(special.ndtri(share)) for share in case["normalQuantile"]],
        "kolmogorov": [number(special.kolmogorov(x)) for x in case["kolmogorov"]],
        "wilson": [
            [number(one) for one in stats.binomtest(k, n).proportion_ci(method="wilson")] for k, n in case["wilson"]
        ],
        "benjaminiHochberg": stats.false_discovery_control(case["pValues"], method="bh").tolist(),
    }


functions = {
    "numbers": numbers,
    "categories": lambda case: of_counts(case["reference"], case["current"]),
    "binary": binary,
    "classes": classes,
    "regression": regression,
    "fairness": fairness,
    "attributions": attributions,
    "tails": tails,
}
cases = json.load(sys.stdin)
json.dump({name: [functions[name](case) for case in cases[name]] for name in cases if name in functions}, sys.stdout)
