"""A thousand flipped bits and 200 cut files: each is found or has no effect, and no answer is ever wrong.

One gallery was left by a killed writer: two generations, and acknowledged writes that only SQLite's write-ahead log
has. Another one, of the same items, was closed in order: what the log has hides the database below it. Every file that
matters is damaged, one bit or one cut at a time, in a copy. In a process of its own, each copy is verified (`smserve
index verify`), opened and asked for everything that it holds, then written to, compacted and asked again. Where
verification finds nothing, all of that must go right. `--repair` also repairs what is found (`smserve index repair`)
and asks again: which flips were undone without a loss. `--quick` takes 60 flips and 20 cuts.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.damaging.trials import Trial, trials
from benchmarks.evidence import describe_machine, print_measure
from tests.gallery.damages import FILES, Damage, make_sources

_PLACES = [("closed", "gallery.sqlite"), *(("killed", name) for name in FILES)]
_SHARES = {_PLACES[0]: 0.4, ("killed", "gallery.sqlite-wal"): 0.2}  # the other files share the rest
_TOLD = 20


def main(arguments: list[str]) -> None:
    """Damage copies and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks damage", description=__doc__)
    parser.add_argument("--flips", type=int, default=1000, help="flipped bits (default: 1,000)")
    parser.add_argument("--cuts", type=int, default=200, help="cut files (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the places (default: 0)")
    parser.add_argument("--folder", type=Path, help="where copies are made (default: the system's)")
    parser.add_argument("--repair", action="store_true", help="repair what is found, too, and ask again")
    parser.add_argument("--quick", action="store_true", help="60 flips, 20 cuts")
    options = parser.parse_args(arguments)
    flips, cuts = (60, 20) if options.quick else (options.flips, options.cuts)
    print(f"{flips:,} flipped bits and {cuts:,} cut files, seed {options.seed}; {describe_machine()}.")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        make_sources(Path(folder))
        damages = _places(Path(folder), flips, cuts, np.random.default_rng(options.seed))
        done = list(trials(Path(folder), Path(folder), damages, repair=options.repair))
    _tell(done)
    kinds = Counter(_kind(trial) for trial in done)
    told = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
    print(f"{len(done):,} copies in {time.monotonic() - started:.0f} s: {told}.")
    good = [float(bool(trial.found) or not (trial.said or trial.wrong or trial.crashed)) for trial in done]
    missing = [sum("missing" in wrong for wrong in trial.wrong) for trial in done]
    print_measure("damage.flips_found_or_harmless", good, goal=1, better="higher")
    print_measure("damage.wrong_answers", [sum(len(trial.wrong) for trial in done)], goal=0, better="lower")
    print_measure("damage.missing_without_a_word", [sum(missing)], goal=0, better="lower")
    print_measure("damage.crashes", [sum(bool(trial.crashed) for trial in done)], goal=0, better="lower")
    print_measure("damage.changed_by_verify", [sum(trial.changed for trial in done)], goal=0, better="lower")
    if repaired := [float(trial.repaired) for trial in done if trial.repaired is not None and trial.damage.bit >= 0]:
        print_measure("damage.flips_repaired", repaired, better="higher")


def _places(folder: Path, flips: int, cuts: int, random: np.random.Generator) -> list[Damage]:
    """Return places by chance: flips in each file by its share, none without one; cuts in all alike."""
    rest = (1 - sum(_SHARES.values())) / (len(_PLACES) - len(_SHARES))
    shares = [_SHARES.get(place, rest) for place in _PLACES]
    more = random.choice(len(_PLACES), max(0, flips - len(_PLACES)), p=shares)
    flipped = [*range(len(_PLACES)), *more.tolist()][:flips]
    cut = random.choice(len(_PLACES), cuts).tolist()
    damages = []
    for number, index in enumerate([*flipped, *cut]):
        source, name = _PLACES[index]
        position = int(random.integers((folder / source / name).stat().st_size))
        bit = int(random.integers(8)) if number < len(flipped) else -1
        damages.append(Damage(source=source, file=name, position=position, bit=bit))
    return damages


def _kind(trial: Trial) -> str:
    if trial.crashed:
        return "crashed"
    if trial.wrong:
        return "answered wrongly"
    if trial.found:
        return "found, and said in use" if trial.said else "found"
    return "said in use alone" if trial.said else "without effect"


def _tell(done: Sequence[Trial]) -> None:
    """Print what should not be; of much of it the first."""
    bad = [trial for trial in done if trial.wrong or trial.crashed or trial.changed or (trial.said and not trial.found)]
    for trial in bad[:_TOLD]:
        what = trial.crashed or [*trial.wrong, *trial.said][:2]
        print(f"{trial.damage}: {_kind(trial)}: {what}{', changed by verify' if trial.changed else ''}")
    if len(bad) > _TOLD:
        print(f"... and {len(bad) - _TOLD:,} more")
