from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from smserve.errors import NotFound
from tests.training.tiny import paper_config
from tests.training.trainer.running import run
from training.datasets import Dataset
from training.report import RunReport
from training.trainer import RunFolder, gather_report

pytestmark = pytest.mark.usefixtures("tiny_runs")
CONFIG = replace(paper_config(), epochs=3)


def gather(folder: RunFolder, data: Dataset, **options: Any) -> RunReport:
    cache = folder.path.parent / "decoded"
    cpu = torch.device("cpu")
    return gather_report(
        folder, data, command="again", cache_dir=cache, device=cpu, progress=lambda *_: None, **options
    )


@pytest.fixture(scope="module")
def finished(hues: Dataset, tmp_path_factory: pytest.TempPathFactory, tiny_runs: None) -> RunFolder:
    path = tmp_path_factory.mktemp("runs") / "hues"
    run(CONFIG, hues, path)
    return RunFolder(path)


def test_a_report_has_what_the_run_left(finished: RunFolder, hues: Dataset) -> None:
    found = gather(finished, hues)
    assert (found.name, found.dataset, found.command) == ("hues", "folder:hues", "again")
    assert found.splits == {"train": (80, 10), "validation": (16, 2), "test": (96, 12)}
    assert found.config == CONFIG.to_dict()
    assert [line["epoch"] for line in found.epochs] == [1, 2, 3]
    assert {"validation_recall_at_1", "validation_recall_at_8"} <= set(found.epochs[0])
    assert found.figures == finished.evaluation()
    assert list(found.origin)[-2:] == ["Software", "Hardware"]
    assert f"torch {torch.__version__.partition('+')[0]}" in found.origin["Software"]
    assert found.parameters > 1000


def test_its_pictures_say_what_the_figures_say(finished: RunFolder, hues: Dataset) -> None:
    found = gather(finished, hues)
    assert found.test.map is not None
    assert found.test.map.right.mean() == found.figures["recall_at_1"]
    assert all(row.found[0].right for row in found.test.hits)
    assert not any(row.found[0].right for row in found.test.misses)


def test_runs_that_share_a_page_share_its_pictures(finished: RunFolder, hues: Dataset) -> None:
    shared = gather(finished, hues, share=30).test.map
    assert shared is not None
    assert (len(shared.pictures), shared.of) == (50, 96)


def test_an_unfinished_run_has_no_report(hues: Dataset, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(CONFIG, hues.name, resume=False)
    with pytest.raises(NotFound, match="is not finished, so it has no figures to report; go on with --resume"):
        gather(folder, hues)
