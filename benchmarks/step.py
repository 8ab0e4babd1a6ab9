"""What a training step costs beside the bare one, and pictures a second before and after.

The bare step is forward, loss, backward and optimiser on batches that lie ready in memory, varied and normalised. Ours
also reads, varies and normalises pictures, keeps count and can go on after a kill. Both run the emoji recipe on made-up
pictures in turn, on CUDA where there is one. "Before" is the training code of another commit (`--before`), in a process
of its own; the two processes train in turn, on the CPU. What else the machine does only adds to a turn, often more than
is measured here, so the faster half of each side's turns count. `--quick` takes few steps.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.training_steps import build_learner, plans_of
from training.samplers import Plan
from training.trainer.batches import BatchMaker
from training.trainer.epoch import Learner
from training.trainer.precision import backbone_precision

_BEFORE = "cf35b99"  # the last commit without background preparation, checkpoints in mid-epoch and processes
_ROOT = Path(__file__).parent.parent


def main(arguments: list[str]) -> None:
    """Time both pairs and print their ratios."""
    parser = argparse.ArgumentParser(prog="benchmarks step", description=__doc__)
    parser.add_argument("--rounds", type=int, default=16, help="turns of each side (default: 16)")
    parser.add_argument("--steps", type=int, default=6, help="steps a turn (default: 6)")
    parser.add_argument("--before", default=_BEFORE, metavar="COMMIT", help=f"compare with (default: {_BEFORE})")
    parser.add_argument("--quick", action="store_true", help="two turns of three steps")
    options = parser.parse_args(arguments)
    rounds, steps = (2, 3) if options.quick else (options.rounds, options.steps)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(
        f"Training steps of the emoji recipe (batches of 96), {rounds} turns of {steps} steps, torch "
        f"{torch.__version__} with {torch.get_num_threads()} threads on {device.type}; {describe_machine()}.",
        flush=True,
    )
    ours, bare = _seconds(build_learner("emoji", device), rounds, steps)
    print(f"A step takes {1e3 * min(ours) / steps:.0f} ms, a bare one {1e3 * min(bare) / steps:.0f} ms.")
    ratios = [own / other for own, other in zip(_faster(ours), _faster(bare), strict=True)]
    print_measure("step.overhead", ratios, goal=1.05, better="lower")
    before, after = (_faster(rates, reverse=True) for rates in _rates(options.before, rounds, steps))
    print(f"Pictures a second: {before[0]:.1f} at {options.before}, {after[0]:.1f} here.")
    ratios = [new / old for old, new in zip(before, after, strict=True)]
    print_measure("step.images_per_s", after, better="higher")
    print_measure("step.images_per_s_ratio", ratios, goal=1.0, better="higher")


def _faster(turns: list[float], *, reverse: bool = False) -> list[float]:
    """Return the faster half of turns, the fastest first; `reverse` where larger is faster."""
    return sorted(turns, reverse=reverse)[: max(1, len(turns) // 2)]


def _seconds(learner: Learner, rounds: int, steps: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each turn of our steps, and of bare ones."""
    plans = plans_of(learner, steps)
    ours, bare = [], []
    for number in range(rounds + 1):
        plan = next(plans)
        ours.append(learner.train(plan, number + 1, embedded=0, shown={}).seconds)
        bare.append(_bare_seconds(learner, plan))
    return ours[1:], bare[1:]  # the first turn also allocates and chooses kernels


def _bare_seconds(learner: Learner, plan: Plan) -> float:
    maker = BatchMaker(
        net=learner.net, data=learner.data, config=learner.config, needs_triplets=learner.objective.needs_triplets
    )
    device = learner.data.pixels.device
    ready = [maker.make(step, batch, epoch=1) for step, batch in enumerate(plan.batches)]
    learner.net.train()
    _wait(device)
    started = time.monotonic()
    for batch in ready:
        with backbone_precision(learner.config, device):
            embeddings = learner.net(batch.images)
        loss = learner.objective(embeddings, batch.labels, batch.triplets).total
        learner.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learner.optimizer.step()
    _wait(device)
    return time.monotonic() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _rates(commit: str, rounds: int, steps: int) -> tuple[list[float], list[float]]:
    """Return pictures a second of each turn, of a commit's training and of this one's."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "-C", str(_ROOT), "archive", commit, "training", "smserve"], capture_output=True, check=False
        )
        if archive.returncode:
            sys.exit(f"commit {commit} can't be read ({archive.stderr.decode().strip()}); give one with --before")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        old, new = _Steps(Path(folder), steps), _Steps(_ROOT, steps)
        before, after = [], []
        for _ in range(rounds + 1):
            before.append(old.rate())
            after.append(new.rate())
        old.end()
        new.end()
    return before[1:], after[1:]


class _Steps:
    """A process that trains when it is asked to."""

    def __init__(self, root: Path, steps: int) -> None:
        command = [sys.executable, str(Path(__file__).with_name("training_steps.py")), str(steps)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"},
        )

    def rate(self) -> float:
        """Return pictures a second of a turn."""
        print("go", file=self._process.stdin, flush=True)
        answer = next(iter(self._process.stdout or ()), "")
        if not answer:
            sys.exit(f"the training process ended with status {self._process.wait()}")
        return float(answer)

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()
