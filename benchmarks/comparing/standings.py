"""What the records of a data set come to: the chosen trials, Recall@1, costs, and the lead of smart-plus."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.comparing.bootstrap import paired_bootstrap
from benchmarks.comparing.contenders import BASELINES, SMART_PLUS

__all__ = ["Lead", "best_baselines", "best_trial", "cost_ratio", "joined_runs", "lead_over", "mean_recall"]

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """By how much smart-plus exceeds the best baseline in Recall@1, and the interval of 95 % over queries."""

    baseline: str
    difference: float
    low: float
    high: float


def best_trial(records: Sequence[Record]) -> int:
    """Return the number of the trial with the highest Recall@1; the first of equals."""
    return int(max(records, key=lambda record: (record["recall_at_1"], -record["trial"]))["trial"])


def joined_runs(records: Sequence[Record], folds: Sequence[str]) -> list[dict[str, Any]]:
    """Return a run a seed, of which all folds are done: their queries one after the other, their costs summed."""
    joined = []
    for seed in sorted({record["seed"] for record in records}):
        parts = {record["fold"]: record for record in records if record["seed"] == seed}
        if len(parts) < len(folds):
            continue
        hits = "".join(parts[fold]["hits"] for fold in folds)
        summed = {
            name: sum(parts[fold][name] for fold in folds)
            for name in ("embedded_pictures", "trained_pictures", "seconds")
        }
        joined.append({"seed": seed, "hits": hits, "recall_at_1": hits.count("1") / len(hits), **summed})
    return joined


def best_baselines(runs: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return the baselines that have runs, the highest mean Recall@1 on the test classes first."""
    there = [name for name in BASELINES if runs.get(name)]
    return sorted(there, key=lambda name: -mean_recall(runs[name]))


def mean_recall(runs: Sequence[Record]) -> float:
    """Return the mean over seeds."""
    return statistics.fmean(run["recall_at_1"] for run in runs)


def lead_over(runs: Mapping[str, Sequence[Record]], baseline: str) -> Lead:
    """Return the lead of smart-plus over a baseline, from runs a seed of both."""
    first, second = ([run["hits"] for run in runs[name]] for name in (SMART_PLUS, baseline))
    difference, low, high = paired_bootstrap(first, second)
    return Lead(baseline=baseline, difference=difference, low=low, high=high)


def cost_ratio(wanted: float, curve: Mapping[float, float]) -> float | None:
    """Return the smallest share of the pictures with the wanted Recall@1; None where none reaches it.

    Args:
        wanted: Recall@1.
        curve: Share of the pictures -> Recall@1 of runs annealed over it. Between two shares it is interpolated, below
            the smallest nothing is claimed.
    """
    shares = sorted(curve)
    for place, share in enumerate(shares):
        if curve[share] >= wanted:
            if place == 0:
                return share
            before = shares[place - 1]
            return before + (share - before) * (wanted - curve[before]) / (curve[share] - curve[before])
    return None
