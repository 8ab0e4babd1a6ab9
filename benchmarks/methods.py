"""Every miner and loss on one backbone, with one budget of pictures: Recall@1, its curves, and the lead of smart-plus.

For each data set and method the same number of trials is trained, and the best on the validation classes is trained
again with three seeds, whose test classes are measured once; smart-plus, the three best baselines, and random classes
with the same head have all seeds. Pictures that mining embeds count as embedded. Records lie in `--cache`, a JSON line
a run, and are reused; `--hours` ends in time, and the next call goes on, in the midst of a run too. Runs go side by
side, one for each core: seconds of methods compare on a quiet machine alone.

`methods.<data set>.<method>.recall_at_1` is over seeds. `smart_plus_gain` is Recall@1 of smart-plus less that of the
best baseline, chosen on the test classes, in the baseline's favour; its spread is the paired bootstrap's interval of
95 % over queries, for these seeds. `smart_plus_gain_of_mining` is the same over random classes with the same head:
smart-plus without its mining, with the same choice of losses. `smart_plus_cost_ratio` is the share of the pictures
with which smart-plus, annealed over it, reaches the best baseline's Recall@1, interpolated between the shares tried,
and at most the smallest of them where that is enough.
`--quick` says only that the path works.

Runs made so far: `--records benchmarks/comparing/records.jsonl` goes on with them.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.comparing.contenders import CONTENDERS, FITTED_LEVELS, SMART_PLUS, settings_of
from benchmarks.comparing.entries import Entry, Records, run_entry
from benchmarks.comparing.folds import Arena, Fold, open_arena
from benchmarks.comparing.presentation import write_figure, write_table
from benchmarks.comparing.standings import best_baselines, best_trial, cost_ratio, joined_runs, lead_over, mean_recall
from benchmarks.evidence import describe_machine, print_measure

SHARES: Final = (1 / 3, 1 / 2, 2 / 3)
FEW_SEEDS: Final = 3  # of methods that are neither among the best baselines nor compared with them
BEST_BASELINES: Final = 3  # have all seeds: the best of few seeds is often not the best of more
TUNING_SEED: Final = 100  # none of the seeds that are measured
_HOUR: Final = 3600.0
_DATA_SETS: Final = ("emoji", "icons", "photos")

Train = Callable[[Sequence[Entry]], list[dict[str, Any] | None]]
Drawn = Mapping[str, Sequence[dict[str, Any]]]  # method -> records of its final runs


def tuning_entries(arena: Arena, fold: Fold, name: str) -> list[Entry]:
    """Return a method's trials, measured on the validation classes."""
    return [
        _entry(arena, fold, name, stage="trial", trial=trial, seed=TUNING_SEED, pictures=arena.pictures)
        for trial in range(len(CONTENDERS[name].trials))
    ]


def final_entries(
    arena: Arena, chosen: Mapping[tuple[str, str], int], names: Sequence[str], seeds: Sequence[int], share: float = 1.0
) -> list[Entry]:
    """Return the runs of some methods' chosen trials on the test classes, over a share of the pictures."""
    folds = {fold.name: fold for fold in arena.folds}
    return [
        _entry(
            arena,
            folds[fold],
            name,
            stage="final",
            trial=trial,
            seed=seed,
            pictures=round(share * arena.pictures),
        )
        for seed in seeds
        for (name, fold), trial in chosen.items()
        if name in names
    ]


def _entry(arena: Arena, fold: Fold, name: str, *, stage: str, trial: int, seed: int, pictures: int) -> Entry:
    told = {
        "data_set": arena.name,
        "fold": fold.name,
        "method": name,
        "stage": stage,
        "trial": trial,
        "seed": seed,
        "pictures": pictures,
    }
    config = replace(settings_of(arena.base, name, trial), seed=seed, max_pictures=pictures)
    return Entry(told=told, config=config, dataset=fold.tuning if stage == "trial" else fold.final)


def train_all(entries: Sequence[Entry], records: Records, pool: ProcessPoolExecutor, run: Any) -> list[Any]:
    """Return the record of each entry, made where it is not known; None where the time was over."""
    known = [records.find(entry) for entry in entries]
    waiting = {pool.submit(run, entry): place for place, entry in enumerate(entries) if known[place] is None}
    for future in as_completed(waiting):
        record = known[waiting[future]] = future.result()
        if record is not None:
            records.add(record)
            line = f"{record['method']:<15} {record['stage']} {record['trial']} seed {record['seed']:<3}"
            print(
                f"{line} fold {record['fold']}: {record['recall_at_1']:.3f} with {record['embedded_pictures']:,} "
                f"pictures in {record['seconds']:.0f} s{'; ' + record['collapsed'] if record['collapsed'] else ''}",
                flush=True,
            )
    return known


def compare(arena: Arena, options: argparse.Namespace, train: Train, folder: Path) -> Drawn:
    """Choose settings, train with them, print what is known once all is, and return the final runs of each method."""
    trials = [entry for fold in arena.folds for name in options.methods for entry in tuning_entries(arena, fold, name)]
    if options.quick:
        trials = [entry for entry in trials if entry.told["trial"] == 0]
    tried = train(trials)
    tuned = [record for record in tried if record is not None]
    if len(tuned) < len(tried):
        print(f"{arena.name}: {len(tried) - len(tuned)} trials are left; call again to go on.")
        return {}
    chosen = {
        (name, fold.name): best_trial([each for each in tuned if (each["method"], each["fold"]) == (name, fold.name)])
        for name in options.methods
        for fold in arena.folds
    }
    few = options.seeds[:FEW_SEEDS]
    found = train(final_entries(arena, chosen, options.methods, few))
    ahead = [] if None in found else best_baselines(_runs(arena, found, options.methods))[:BEST_BASELINES]
    found += train(final_entries(arena, chosen, [SMART_PLUS, FITTED_LEVELS, *ahead], options.seeds[FEW_SEEDS:]))
    for share in options.shares:
        found += train(final_entries(arena, chosen, [SMART_PLUS], few, share))
    left = found.count(None)
    finals = [record for record in found if record is not None]
    full = [each for each in finals if each["pictures"] == arena.pictures]
    runs = _runs(arena, full, options.methods)
    print(write_table(folder / f"{arena.name}.md", runs))
    if left:
        print(f"{arena.name}: {left} runs are left, so nothing is measured yet; call again to go on.")
    else:
        ahead = best_baselines({name: runs[name] for name in ahead})
        _measure(arena, runs, finals, options, ahead[0] if ahead else None)
    return {name: records for name in options.methods if runs[name] and (records := _of(name, full))}


def _of(name: str, records: Sequence[Any]) -> list[Any]:
    return [each for each in records if each["method"] == name]


def _runs(arena: Arena, records: Sequence[Any], names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each method that are whole."""
    return {name: joined_runs(_of(name, records), [fold.name for fold in arena.folds]) for name in names}


def _measure(
    arena: Arena, runs: Mapping[str, Any], finals: Sequence[Any], options: argparse.Namespace, baseline: str | None
) -> None:
    prefix = f"methods.{arena.name}"
    for name, joined in runs.items():
        print_measure(f"{prefix}.{name}.recall_at_1", [run["recall_at_1"] for run in joined], better="higher")
    if SMART_PLUS not in runs or baseline is None:
        return
    folds = [fold.name for fold in arena.folds]
    curve = {
        share: mean_recall(joined_runs([each for each in finals if _has_share(each, share, arena)], folds))
        for share in (*options.shares, 1.0)
    }
    shown = ", ".join(f"{share:.0%}: {100 * recall:.1f}" for share, recall in curve.items())
    print(f"{arena.name}: the best baseline is {baseline}. Smart-plus at shares of the pictures: {shown}.")
    ratio = cost_ratio(mean_recall(runs[baseline]), curve)
    if ratio is None:
        print(f"{arena.name}: smart-plus does not reach its Recall@1 with as many pictures: no ratio.")
    else:
        print_measure(f"{prefix}.smart_plus_cost_ratio", [ratio], goal=0.5, better="lower")
    _print_lead(f"{prefix}.smart_plus_gain", runs, baseline)
    if FITTED_LEVELS in runs:
        _print_lead(f"{prefix}.smart_plus_gain_of_mining", runs, FITTED_LEVELS)


def _print_lead(measure: str, runs: Mapping[str, Any], other: str) -> None:
    lead = lead_over(runs, other)
    print(f"{measure}: over {other}; the interval of 95 % {'is above 0' if lead.low > 0 else 'is not above 0'}.")
    line = {"measure": measure, "value": round(lead.difference, 4), "goal": 0.0, "better": "higher"}
    spread = [round(lead.low, 4), round(lead.high, 4)]
    print(json.dumps({**line, "spread": spread, "n": len(runs[SMART_PLUS])}), flush=True)


def _has_share(record: Mapping[str, Any], share: float, arena: Arena) -> bool:
    return (record["method"], record["pictures"]) == (SMART_PLUS, round(share * arena.pictures))


def main(arguments: list[str]) -> None:
    """Compare the methods on each data set."""
    parser = argparse.ArgumentParser(prog="benchmarks methods", description=__doc__)
    parser.add_argument("--data-sets", nargs="+", choices=_DATA_SETS, default=list(_DATA_SETS))
    parser.add_argument("--methods", nargs="+", choices=tuple(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="a run each (default: 0 to 4)")
    parser.add_argument("--hours", type=float, default=10.0, help="end after so many, to go on later (default: 10)")
    parser.add_argument("--cache", type=Path, default=Path("runs/benchmark-methods"), help="where records are kept")
    parser.add_argument("--records", type=Path, help="their file, to carry it elsewhere (default: in the cache)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where emoji and icons are")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time (default: one a core)")
    parser.add_argument("--pictures", type=int, help="a run embeds (default: 15,000 emoji or icons, 5,000 photos)")
    parser.add_argument("--quick", action="store_true", help="few classes, pictures and trials, one seed and share")
    options = parser.parse_args(arguments)
    options.shares = SHARES
    if options.quick:
        options.seeds, options.shares = options.seeds[:1], SHARES[1:2]
    folder = options.cache / ("quick" if options.quick else "whole")
    folder.mkdir(parents=True, exist_ok=True)
    file = options.records or folder / "records.jsonl"
    print(
        f"{', '.join(options.data_sets)}; seeds {options.seeds}; records in {file}; {describe_machine()}.", flush=True
    )
    records = Records(file)
    run = partial(run_entry, cache=options.cache, deadline=time.time() + options.hours * _HOUR)
    context = multiprocessing.get_context("spawn")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes: one a core; threads that wait for each other cost more
    drawn: dict[str, Drawn] = {}
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for name in options.data_sets:
            arena = open_arena(name, options.data, small=options.quick)
            arena = replace(arena, pictures=options.pictures or arena.pictures)
            drawn[name] = compare(arena, options, lambda entries: train_all(entries, records, pool, run), folder)
    if drawn := {name: methods for name, methods in drawn.items() if methods}:
        write_figure(folder / "methods.svg", drawn)
        print(f"The figure is {folder / 'methods.svg'}.")
