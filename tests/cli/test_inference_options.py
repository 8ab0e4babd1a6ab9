"""Every command that loads a model takes the options of inference, and runs the model by them."""

import shutil
from pathlib import Path

import pytest

from smserve.gallery import LocalGallery
from tests.cli.conftest import Run

OPENVINO = ("--provider", "openvino", "--inference-threads", 2)


def test_a_gallery_is_built_grown_and_staged_on_openvino(
    run: Run, tiny_model: Path, other_model: Path, pictures: Path, tmp_path: Path
) -> None:
    place = tmp_path / "gallery"
    for command in (
        ("index", "build", "--model", tiny_model, "--images", pictures / "red", "--gallery", place),
        ("index", "add", "--model", tiny_model, "--images", pictures / "blue", "--gallery", place),
        ("gallery", "stage", place, "--model", other_model),
    ):
        result = run(*command, *OPENVINO)
        assert result.exit_code == 0, result.output
    gallery = LocalGallery.open(place)
    assert gallery.info().item_count == 4, "the names of the second folder are those of the first"
    gallery.close()


@pytest.mark.parametrize(
    "command",
    [
        ("serve", "--model", "{model}"),
        ("index", "build", "--model", "{model}", "--images", "{pictures}", "--gallery", "{new}"),
        ("index", "add", "--model", "{model}", "--images", "{pictures}", "--gallery", "{gallery}"),
        ("index", "evaluate", "--queries", "{queries}", "--model", "{model}", "--gallery", "{gallery}"),
        ("gallery", "stage", "{gallery}", "--model", "{model}"),
        ("gallery", "compare", "{gallery}"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_what_no_provider_can_do_is_refused_by_each(
    run: Run, tiny_model: Path, drawn_gallery: Path, pictures: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    places = {
        "model": tiny_model,
        "pictures": pictures,
        "gallery": shutil.copytree(drawn_gallery, tmp_path / "drawn"),
        "new": tmp_path / "new",
        "queries": tmp_path / "queries.csv",
    }
    places["queries"].write_text(f"path,label\n{pictures / 'red' / '0.png'},red\n")
    result = run(*(part.format(**places) for part in command), "--precision", "bfloat16")
    assert result.exit_code == 1
    assert "precision bfloat16 is not to be had with provider cpu; use --provider openvino" in result.stderr
    assert not places["new"].exists()
