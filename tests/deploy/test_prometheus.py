"""Prometheus' configuration and alerts: about what a server really exports, and right by Prometheus' own tool."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import named_in

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"


def test_alerts_are_about_what_a_server_exports(exported: frozenset[str]) -> None:
    rules = (FOLDER / "smserve.rules.yml").read_text(encoding="utf-8")
    assert rules.count("- alert: ") == 7
    assert named_in(rules) <= exported


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not installed")
@pytest.mark.parametrize(
    "command",
    ["check config prometheus.yml", "check rules smserve.rules.yml", "test rules smserve.rules.test.yml"],
)
def test_promtool_finds_nothing_wrong(command: str) -> None:
    subprocess.run(["promtool", *command.split()], cwd=FOLDER, check=True, timeout=60, capture_output=True)
