import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from smserve.errors import AlreadyExists, InvalidInput, SmserveError
from tests.support.pictures import write_class_folders
from tests.training.tiny import classes_config, paper_config
from tests.training.trainer.running import Interrupted, InterruptingBar, run, weights_of
from training.checkpoint import load_checkpoint
from training.config import CheckpointConfig, ControllerConfig, FinishConfig, SamplerConfig, TrainConfig
from training.datasets import Dataset, load_dataset
from training.recipes import find_recipe
from training.trainer import RunFolder, evaluate_run

pytestmark = pytest.mark.usefixtures("tiny_runs")
CONFIGS = [
    replace(paper_config(), epochs=4),
    replace(
        classes_config(),
        epochs=3,
        model=replace(classes_config().model, pooling="multilevel"),
        finish=FinishConfig(augmented=False, head="discriminant"),
    ),
]
EACH = pytest.mark.parametrize("config", CONFIGS, ids=["triplets", "classes"])


@pytest.fixture(scope="module")
def paper_run(hues: Dataset, tmp_path_factory: pytest.TempPathFactory, tiny_runs: None) -> Path:
    path = tmp_path_factory.mktemp("runs") / "paper"
    run(paper_config(), hues, path)
    return path


def records(path: Path) -> list[dict[str, Any]]:
    return RunFolder(path).epochs()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


TIMES = {"epoch_s", "embedding_s", "neighbours_s", "selection_s", "mining_share_of_epoch", "pictures_per_s"}


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in TIMES}


def test_it_learns_hues_that_it_has_not_seen(paper_run: Path, hues: Dataset) -> None:
    figures = RunFolder(paper_run).evaluation()
    assert figures is not None
    losses = [record["loss"] for record in records(paper_run)]
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    assert figures["recall_at_1"] > 0.5  # by chance 7 / 95
    assert (figures["pictures"], figures["classes"]) == (96, 12) == (len(hues.test), len(hues.test.class_names))


def test_the_run_folder_says_what_was_asked_for_and_what_happened(paper_run: Path) -> None:
    found = sorted(path.relative_to(paper_run).as_posix() for path in paper_run.rglob("*") if path.is_file())
    names = [re.sub(r"-[0-9a-f]{16}\.pt", "", name) for name in found]
    assert names[0].startswith("checkpoints/best-epoch-00")
    assert names[1:4] == [f"checkpoints/epoch-{number:04}" for number in (8, 9, 10)]
    assert names[4:] == ["config.json", "environment.json", "evaluation.json", "metrics.jsonl"]
    origin = json.loads((paper_run / "config.json").read_text(encoding="utf-8"))
    assert origin["versions"].keys() >= {"python", "smserve", "torch", "torchvision", "numpy", "pillow"}
    assert TrainConfig.from_dict(origin["config"]) == paper_config()
    for number, record in enumerate(records(paper_run), start=1):
        assert record["epoch"] == number
        assert record["loss"] == pytest.approx(record["pair_loss"] + record["global_loss"])


def test_two_random_epochs_then_mined_ones_that_the_controller_steers(paper_run: Path) -> None:
    lines = records(paper_run)
    for record in lines[:2]:
        assert (record["mined_share"], record["mined_active_share"], record["difficulty"]) == (0, None, None)
    for before, record in pairwise(lines[2:]):
        assert record["mined_share"] > 0.1
        assert 0 <= record["mined_active_share"] <= 1
        assert record["difficulty"] == before["next_difficulty"]
    assert lines[2]["difficulty"] in {1, 2, 4, 16, 64}  # kappa_0
    # The first pair moves along the prior, alpha_0 = -2 kappa_0, from e towards 0.5.
    kappa = lines[2]["difficulty"]
    assert lines[2]["next_difficulty"] == pytest.approx(kappa - 2 * kappa * (0.5 - lines[2]["active_share"]))


def test_embedded_pictures_count_mining_too(hues: Dataset, tmp_path: Path) -> None:
    config = replace(classes_config(), epochs=2, sampler=replace(classes_config().sampler, random_epochs=1))
    run(config, hues, tmp_path / "run")
    first, second = (record["embedded_pictures"] for record in records(tmp_path / "run"))
    assert 80 <= first <= 96  # 80 pictures in four batches of 24
    assert second - first == pytest.approx(80 + first, abs=16)


def test_a_controller_that_is_not_adaptive_keeps_its_start(hues: Dataset, tmp_path: Path) -> None:
    config = replace(paper_config(), epochs=4, controller=ControllerConfig(start=3.0, kind="fixed"))
    run(config, hues, tmp_path / "run")
    assert [record["difficulty"] for record in records(tmp_path / "run")] == [None, None, 3, 3]


def test_one_may_steer_by_the_mined_triplets_alone(hues: Dataset, tmp_path: Path) -> None:
    config = replace(paper_config(), epochs=4, sampler=replace(paper_config().sampler, mined_share=0.5))
    for error_of, steered in (("all", "active_share"), ("mined", "mined_active_share")):
        controller = replace(config.controller, error_of=error_of)  # type: ignore[arg-type] # one of the literals
        run(replace(config, controller=controller), hues, tmp_path / error_of)
        third = records(tmp_path / error_of)[2]
        kappa = third["difficulty"]
        assert third["active_share"] != third["mined_active_share"]
        assert third["next_difficulty"] == pytest.approx(max(1, kappa - 2 * kappa * (0.5 - third[steered])))


def test_a_budget_ends_the_run_and_leaves_no_epoch_without_a_step(hues: Dataset, tmp_path: Path) -> None:
    config = replace(paper_config(), max_pictures=1, sampler=replace(paper_config().sampler, random_epochs=1))
    run(config, hues, tmp_path / "one")
    (first,) = records(tmp_path / "one")
    assert first["steps"] == 1
    whole = replace(config, max_pictures=None, epochs=2)
    run(whole, hues, tmp_path / "whole")
    after_one, after_two = (record["embedded_pictures"] for record in records(tmp_path / "whole"))
    assert after_two > after_one + 80
    for left, mines in ((80, False), (81, True)):  # a pass over the training set is 80 pictures
        run(replace(config, max_pictures=after_one + left), hues, tmp_path / f"left-{left}")
        second = records(tmp_path / f"left-{left}")[1]
        assert (second["difficulty"] is not None) == mines
        assert second["steps"] >= 1
        assert second["embedded_pictures"] >= after_one + left


def test_a_head_is_fitted_to_the_last_pass(hues: Dataset, tmp_path: Path) -> None:
    trained = replace(classes_config(), epochs=3, seed=1)
    fitted = replace(trained, finish=FinishConfig(head="discriminant", shrinkage=0.1))
    figures = {name: run(config, hues, tmp_path / name) for name, config in (("trained", trained), ("fitted", fitted))}
    lines = {name: records(tmp_path / name) for name in figures}
    assert [without_times(line) for line in lines["trained"][:2]] == [
        without_times(line) for line in lines["fitted"][:2]
    ]
    last = lines["fitted"][-1]
    assert last["head_pictures"] == last["trained_pictures"]
    assert last["embedded_pictures"] == lines["trained"][-1]["embedded_pictures"]
    assert [line for line in lines["trained"] if "head_pictures" in line] == []
    before, after = (weights_of(tmp_path / name) for name in ("trained", "fitted"))
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"head.weight", "head.bias"}
    assert figures["fitted"]["recall_at_1"] > figures["trained"]["recall_at_1"]


def test_levels_count_in_the_fitted_head_alone(hues: Dataset, tmp_path: Path) -> None:
    plain = replace(classes_config(), epochs=2, finish=FinishConfig(head="discriminant", shrinkage=0.1))
    run(plain, hues, tmp_path / "plain")
    run(replace(plain, model=replace(plain.model, pooling="multilevel")), hues, tmp_path / "levels")
    lines = [records(tmp_path / name) for name in ("plain", "levels")]
    assert without_times(lines[0][0]) == without_times(lines[1][0])
    before, after = (weights_of(tmp_path / name) for name in ("plain", "levels"))
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("backbone."))
    own = before["head.weight"].shape[1]
    assert after["head.weight"].shape[1] > own
    assert (after["head.weight"][:, own:].abs().sum(0) > 0).all()


def test_the_last_pictures_of_a_budget_are_the_last_pass(hues: Dataset, tmp_path: Path) -> None:
    config = replace(classes_config(), max_pictures=200, sampler=replace(classes_config().sampler, mined_share=0))
    run(replace(config, finish=FinishConfig(head="discriminant")), hues, tmp_path / "run")
    *_, last = records(tmp_path / "run")
    assert last["embedded_pictures"] >= 200
    assert 80 <= last["head_pictures"] <= 80 + 24  # the training set, to a batch


@EACH
def test_the_seed_decides(config: TrainConfig, hues: Dataset, tmp_path: Path) -> None:
    for name in ("first", "again"):
        run(config, hues, tmp_path / name)
    run(replace(config, seed=1), hues, tmp_path / "other")
    assert same(weights_of(tmp_path / "first"), weights_of(tmp_path / "again"))
    assert not same(weights_of(tmp_path / "first"), weights_of(tmp_path / "other"))


def test_what_is_there_is_refused_or_shown_again(paper_run: Path, hues: Dataset) -> None:
    before = weights_of(paper_run)
    with pytest.raises(AlreadyExists, match="is finished; choose another --name, or see its figures again"):
        run(paper_config(), hues, paper_run)
    with pytest.raises(AlreadyExists, match="begun with other settings or data"):
        run(replace(paper_config(), epochs=11), hues, paper_run, resume=True)
    assert run(paper_config(), hues, paper_run, resume=True) == RunFolder(paper_run).evaluation()
    assert same(weights_of(paper_run), before)


def test_how_often_checkpoints_are_written_may_change(hues: Dataset, tmp_path: Path) -> None:
    often = replace(CONFIGS[0], checkpoint=CheckpointConfig(every_s=0, keep=100))
    with pytest.raises(Interrupted):
        run(CONFIGS[0], hues, tmp_path / "run", bar=InterruptingBar(after_epochs=3))
    run(often, hues, tmp_path / "run", resume=True)
    last_epoch = records(tmp_path / "run")[-1]
    written = RunFolder(tmp_path / "run").checkpoints.kept()
    assert len(written) == 3 + last_epoch["steps"]  # after each step, the last being the epoch's end


def test_the_best_on_validation_is_kept_beside_the_last(hues: Dataset, tmp_path: Path) -> None:
    config = replace(CONFIGS[1], epochs=6, checkpoint=CheckpointConfig(keep=1))
    run(config, hues, tmp_path / "run")
    recalls = [record["validation_recall_at_1"] for record in records(tmp_path / "run")]
    checkpoints = RunFolder(tmp_path / "run").checkpoints
    best = checkpoints.best()
    assert best is not None
    assert load_checkpoint(best)["epoch"] == recalls.index(max(recalls)) + 1
    assert [load_checkpoint(path)["epoch"] for path in checkpoints.kept()] == [6]


def test_a_loss_that_is_no_number_ends_the_run_with_a_way_out(hues: Dataset, tmp_path: Path) -> None:
    optimizer = replace(paper_config().optimizer, learning_rate=1e30)
    with pytest.raises(
        SmserveError, match=r"the loss is nan at epoch 1, step \d+ of 20; lower optimizer.learning_rate"
    ):
        run(replace(paper_config(), optimizer=optimizer), hues, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").checkpoints.kept()


def test_a_class_of_one_picture(tmp_path: Path) -> None:
    lines = ["path,label,split"]
    for path in write_class_folders(tmp_path / "pictures"):
        split = "test" if path.parent.name in {"red", "green"} else "train"
        if path.parent.name != "blue" or path.stem == "0":
            lines.append(f"{path},{path.parent.name},{split}")
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    data = load_dataset(f"csv:{tmp_path / 'list.csv'}", tmp_path)
    with pytest.raises(InvalidInput, match="1 training classes have one picture"):
        run(CONFIGS[0], data, tmp_path / "triplets")
    sampler = SamplerConfig(kind="classes", batch_size=8, list_length=2, random_epochs=0)
    figures = run(replace(CONFIGS[1], epochs=1, sampler=sampler), data, tmp_path / "classes")
    assert figures["pictures"] == 8
    assert records(tmp_path / "classes")[0]["validation_recall_at_1"] is None


def test_the_recipe_for_photos_on_a_real_backbone(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "pictures")
    data = load_dataset(f"folder:{tmp_path / 'pictures'}", tmp_path)
    config = replace(find_recipe("photos", data.name), epochs=2)
    small = replace(config.resize, size=36, height=32, width=32)
    config = replace(config, resize=small, model=replace(config.model, dimension=16))
    figures = run(config, data, tmp_path / "run")
    first, second = records(tmp_path / "run")
    assert second["loss"] < first["loss"]
    assert (first["difficulty"], second["difficulty"]) == (None, 0.3)
    folder = RunFolder(tmp_path / "run")
    options: dict[str, Any] = {"cache_dir": tmp_path / "decoded", "device": torch.device("cpu")}
    assert evaluate_run(folder, data, progress=lambda *_: None, **options) == figures
