"""Writes the fairness report and the model card of a version."""

import pandas
from rows import LABEL

# Groups with fewer flights are omitted.
FEWEST = 20


def fairness(rows: pandas.DataFrame, probabilities, threshold: float, by: str) -> list[dict]:
    """Returns per group: the selection rate, the true positive rate and the false positive rate."""
    frame = pandas.DataFrame({"group": rows[by], "late": rows[LABEL], "predicted": probabilities >= threshold})
    groups = []
    for group, part in frame.groupby("group"):
        late, others = part[part["late"] == 1], part[part["late"] == 0]
        if len(part) < FEWEST or late.empty or others.empty:
            continue
        groups.append(
            {
                "group": group,
                "flights": len(part),
                "late": round(float(part["late"].mean()), 4),
                "called_late": round(float(part["predicted"].mean()), 4),
                "found": round(float(late["predicted"].mean()), 4),
                "false_alarms": round(float(others["predicted"].mean()), 4),
            }
        )
    return groups


def card(result: dict, given) -> str:
    """Returns the model card: purpose and performance."""
    frozen, gain = result["frozen"], result["gain"]
    lines = [
        f"# nyc-late {result['version']}",
        "",
        "Predicts before departure the probability that a flight from New York arrives more than 30 minutes late. For planning; "
        "not for passenger compensation, and not for other airports or years.",
        "",
        f"- Trained on {result['flights']:,} flights, {given.start} to {given.end}: {result['candidate']} {result['setting']}.",
        f"- Tested on {frozen['flights']:,} later flights, to {frozen['end']}: ROC AUC {frozen['roc_auc']:.3f}, "
        f"average precision {frozen['average_precision']:.3f}, log loss {frozen['log_loss']:.3f}.",
        f"- Compared with {result['against']}: {gain['roc_auc']:+.3f} (95 %: {gain['low']:+.3f} to {gain['high']:+.3f}).",
        f"- Threshold for a late flight: {result['threshold']:.3f}.",
    ]
    return "\n".join(lines) + "\n"


def whole_card(result: dict, given) -> str:
    """Returns the model card with the fairness tables."""
    lines = [card(result, given)]
    for by, groups in result["fairness"].items():
        lines += ["", f"| {by} | flights | late | called late | found | false alarms |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
        lines += [
            f"| {one['group']} | {one['flights']} | {one['late']:.1%} | {one['called_late']:.1%} | {one['found']:.1%} | {one['false_alarms']:.1%} |"
            for one in groups
        ]
    return "\n".join(lines) + "\n"
