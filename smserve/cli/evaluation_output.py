"""How `smserve index evaluate` shows what it measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from smserve.cli.output import print_json, print_table

if TYPE_CHECKING:
    from smserve.client import OutOfGalleryReport, QueryFailure, RecallReport

__all__ = ["print_evaluation"]


def print_evaluation(report: RecallReport, rate: OutOfGalleryReport | None, *, as_json: bool, by_class: bool) -> None:
    """Print what was measured as tables or as one JSON document, and what was not counted."""
    if as_json:
        _print_json(report, rate)
    else:
        rows = [[f"Recall@{k}", f"{recall:.4f}"] for k, recall in report.recall.items()]
        if by_class:
            rows += [[f"Recall@{k}, mean of classes", f"{recall:.4f}"] for k, recall in report.class_mean.items()]
        print_table(["measure", "value"], rows, numeric=["value"])
        if by_class:
            click.echo()
            _print_classes(report)
        if rate is not None:
            click.echo()
            _print_rate(rate)
    failures = {failure.path: failure for failure in (*report.failures, *(rate.failures if rate else ()))}
    for failure in failures.values():
        click.echo(f"not counted: {failure.path}: {failure.message}", err=True)
    if rate is not None:
        best = rate.best
        click.echo(
            f"{rate.unknown} unknown queries; threshold {best.threshold:.4f} tells best: it accepts "
            f"{best.known_accepted:.1%} of the known and rejects {best.unknown_rejected:.1%} of the unknown; "
            f"separation {rate.separation:.4f}",
            err=True,
        )
    click.echo(
        f"{report.queries} queries on gallery {report.gallery}, generation {report.generation}; "
        f"{len(report.failures)} not counted",
        err=True,
    )


def _print_json(report: RecallReport, rate: OutOfGalleryReport | None) -> None:
    def failures(of: Iterable[QueryFailure]) -> list[dict[str, str]]:
        return [{"path": str(each.path), "error": each.message} for each in of]

    document = {
        "recall": report.recall,
        "class_mean": report.class_mean,
        "by_class": report.by_class,
        "queries": report.queries,
        "failures": failures(report.failures),
        "gallery": report.gallery,
        "generation": report.generation,
        "model_fingerprint": report.model_fingerprint,
    }
    if rate is not None:
        document["out_of_gallery"] = {
            "thresholds": rate.rows,
            "best": rate.best,
            "separation": rate.separation,
            "known": rate.known,
            "unknown": rate.unknown,
            "failures": failures(rate.failures),
        }
    print_json(document)


def _print_classes(report: RecallReport) -> None:
    columns = ["class", "queries", *(f"Recall@{k}" for k in report.recall), "confused with"]
    rows = [
        [each.label, f"{each.queries}", *(f"{recall:.4f}" for recall in each.recall.values()), each.confused_with]
        for each in report.by_class
    ]
    print_table(columns, rows, numeric=columns[1:-1])


def _print_rate(rate: OutOfGalleryReport) -> None:
    columns = ["threshold", "known accepted", "known accepted, right label", "unknown accepted", "unknown rejected"]
    rows = [
        [
            f"{row.threshold:.2f}",
            *(
                f"{share:.4f}"
                for share in (row.known_accepted, row.known_right, row.unknown_accepted, row.unknown_rejected)
            ),
        ]
        for row in rate.rows
    ]
    print_table(columns, rows, numeric=columns)
