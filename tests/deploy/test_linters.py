"""The linters of those who run these files find nothing wrong: systemd's, Docker's, Kubernetes' and Prometheus'."""

import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cloudcoil.models.prometheus_operator.v1 import PodMonitor
from pydantic import ValidationError

from tests.deploy.files import DOCKERFILE, MANIFEST, REPLICAS, UNIT, pod_monitor

BIN = Path(sys.executable).parent
VERSIONS = ("1.27", "1.37")  # the first in which gRPC probes are stable, and the newest that is known


def check(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("manifest", "resources"), [(MANIFEST, 6), (REPLICAS, 8)])
def test_the_manifests(manifest: Path, resources: int, version: str) -> None:
    passed = check(BIN / "kubernetes-validate", "--strict", "-k", version, manifest)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.count(" passed for resource ") == resources


def through_the_operators_schema(document: Any) -> Any:
    """Return what is left of a PodMonitor that is read and written by models made of the operator's own definitions."""
    return PodMonitor.model_validate(document).model_dump(mode="json", by_alias=True, exclude_none=True)


def test_the_pod_monitor() -> None:
    document = pod_monitor()
    assert through_the_operators_schema(document) == document
    slip = copy.deepcopy(document)
    slip["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    assert through_the_operators_schema(slip) == document, "what is unknown gets lost"
    slip["spec"]["podMetricsEndpoints"][0]["interval"] = "15 seconds"
    with pytest.raises(ValidationError, match="interval"):
        through_the_operators_schema(slip)


def test_a_slip_in_the_manifest_is_found(tmp_path: Path) -> None:
    slip = tmp_path / "smserve.yaml"
    slip.write_text(MANIFEST.read_text(encoding="utf-8").replace("failureThreshold: 300", "failureTreshold: 300"))
    failed = check(BIN / "kubernetes-validate", "--strict", slip)
    assert failed.returncode == 1
    assert "failureTreshold" in failed.stdout + failed.stderr


def test_the_dockerfile(tmp_path: Path) -> None:
    passed = check(BIN / "hadolint", "--failure-threshold", "style", DOCKERFILE)
    assert (passed.returncode, passed.stdout) == (0, "")
    slip = tmp_path / "Dockerfile"
    slip.write_text(DOCKERFILE.read_text(encoding="utf-8").replace("WORKDIR /src", "RUN cd /src"))
    assert "DL3003" in check(BIN / "hadolint", slip).stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit(tmp_path: Path) -> None:
    """Where the program is there, which systemd looks for."""
    text = UNIT.read_text(encoding="utf-8").replace("/opt/smserve/bin/smserve ", f"{BIN / 'smserve'} ")
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    passed = check("systemd-analyze", "verify", copy)
    assert (passed.returncode, passed.stderr) == (0, "")
    exposure = check("systemd-analyze", "security", "--offline=yes", "--threshold=20", copy)  # tenths, of 100
    assert exposure.returncode == 0, exposure.stdout[-200:]
    copy.write_text(text.replace("Restart=on-failure", "Restart=on-fialure"))
    assert "on-fialure" in check("systemd-analyze", "verify", copy).stderr
