"""docs/operations.md lists exactly the metrics that a server exports, the fields of its log, and the alerts."""

import re
from pathlib import Path

from smserve.engine.stages import Stage
from smserve.images import Flaw
from smserve.server.refusals import Refusal
from tests.support.scraping import everything

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def rows(section: str) -> list[list[str]]:
    """Return the cells of the tables of a section."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_metric_with_its_type_and_labels(tiny_model: Path, small_gallery: Path, tmp_path: Path) -> None:
    listed = {
        row[0].strip("`"): (row[1], frozenset(re.findall(r"`(\w+)`", row[2])))
        for row in rows("Metrics")
        if re.match(r"`(smserve|process)_", row[0])
    }
    exported = {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in everything(tiny_model, small_gallery, tmp_path / "mine").families.values()
        if not family.name.endswith("_created")
    }
    assert listed == exported


def test_every_reason_and_every_stage() -> None:
    meaning = {row[0].strip("`"): row[-1] for row in rows("Metrics")}
    assert [refusal for refusal in Refusal if f"`{refusal.value}`" not in meaning["smserve_shed_total"]] == []
    assert [flaw for flaw in Flaw if f"`{flaw.value}`" not in meaning["smserve_image_rejected_total"]] == []
    assert {stage.value for stage in Stage} <= meaning.keys()


def test_every_alert() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "smserve.rules.yml").read_text(encoding="utf-8")
    assert [row[0] for row in rows("Alerts")][1:] == re.findall(r"- alert: (\w+)", rules)
