"""docs/cli.md is what `python -m smserve.cli.reference` prints."""

from pathlib import Path

from smserve.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m smserve.cli.reference > docs/cli.md"


def test_it_has_every_command() -> None:
    assert {"## smserve serve\n", "## smserve config show\n", "## smserve index build\n"} <= {
        f"{line}\n" for line in reference().splitlines()
    }
