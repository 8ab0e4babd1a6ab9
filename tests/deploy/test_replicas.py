"""The layout of many servers over one gallery: what it says of smserve is so, and its parts fit each other."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from smserve.cli.root import smserve
from smserve.config import DEFAULT_PORT
from smserve.server import ServerSettings
from smserve.server.memory import predict_memory
from smserve.version import VERSION
from tests.deploy.files import container, pod_monitor, replicas, resources
from tests.deploy.test_settings import READY

ROLES = ("search", "write")


def deployment(role: str) -> Any:
    return replicas()["Deployment", f"smserve-{role}"]["spec"]


def pod_of(role: str) -> Any:
    return deployment(role)["template"]["spec"]


def container_of(role: str) -> Any:
    (only,) = pod_of(role)["containers"]
    return only


def serve_of(role: str) -> dict[str, Any]:
    data = replicas()["ConfigMap", "smserve-replicas"]["data"]
    serve: dict[str, Any] = tomllib.loads(data[f"{role}.toml"])["serve"]
    return serve


def test_they_differ_in_who_writes_alone() -> None:
    search, write = map(serve_of, ROLES)
    assert search.pop("read-only") is True
    assert search == write
    assert deployment("search")["replicas"] > 1
    assert (deployment("write")["replicas"], deployment("write")["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("role", ROLES)
def test_every_setting_is_one(role: str, tmp_path: Path) -> None:
    """Where the paths of the file are there."""
    text = replicas()["ConfigMap", "smserve-replicas"]["data"][f"{role}.toml"]
    file = tmp_path / "smserve.toml"
    file.write_text(re.sub(r'"/(?=(etc|models)/)', f'"{tmp_path}/', text))
    for key in ("model", "tls-certificate", "tls-key", "keys"):
        path = Path(tomllib.loads(file.read_text())["serve"][key])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    result = CliRunner().invoke(smserve, ["--config", str(file), "config", "show", "serve", "--json"])
    assert result.exit_code == 0, result.output
    shown = {each["option"]: each["value"] for each in json.loads(result.stdout)["settings"]}
    assert shown["--read-only"] is (role == "search")
    assert not shown["--insecure"]
    assert container_of(role)["args"] == ["--config", f"/etc/smserve/{role}.toml", "serve"]


@pytest.mark.parametrize("role", ROLES)
def test_they_are_the_containers_of_the_single_server(role: str) -> None:
    """But for what they mount, and the gallery's secrets."""
    different = {"args", "env", "volumeMounts"}
    ours, single = container_of(role), container()
    assert {key: ours[key] for key in ours.keys() - different} == {
        key: single[key] for key in single.keys() - different
    }
    assert ours["image"].endswith(f":{VERSION}")
    assert ours["readinessProbe"]["grpc"]["service"] == READY
    pod = resources()["StatefulSet"]["spec"]["template"]["spec"]
    assert pod_of(role)["terminationGracePeriodSeconds"] == pod["terminationGracePeriodSeconds"]
    assert pod_of(role)["securityContext"].items() <= pod["securityContext"].items()


@pytest.mark.parametrize("role", ROLES)
def test_every_mount_is_there_and_what_is_named_lies_in_one(role: str) -> None:
    mounts = {each["name"]: each["mountPath"] for each in container_of(role)["volumeMounts"]}
    assert mounts.keys() == {each["name"] for each in pod_of(role)["volumes"]}
    serve = serve_of(role)
    for key, name in (("tls-certificate", "tls"), ("tls-key", "tls"), ("keys", "keys")):
        assert Path(serve[key]).parent == Path(mounts[name])
    variables = {each["name"]: each["value"] for each in container_of(role)["env"]}
    assert variables.keys() == {"SMSERVE_MILVUS_TOKEN_FILE", "SMSERVE_MILVUS_CA"}
    assert {Path(value).parent for value in variables.values()} == {Path(mounts["milvus"])}


@pytest.mark.parametrize("role", ROLES)
def test_services_and_monitors_lead_to_them(role: str) -> None:
    labels = deployment(role)["template"]["metadata"]["labels"]
    service = replicas()["Service", f"smserve-{role}"]["spec"]
    assert service["selector"].items() <= labels.items()
    assert service["selector"] == deployment(role)["selector"]["matchLabels"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(DEFAULT_PORT, "grpc")]
    assert (service.get("clusterIP") == "None") == (role == "search"), "clients balance over those that search"
    monitor = pod_monitor()["spec"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["jobLabel"] in labels
    assert [each["port"] for each in monitor["podMetricsEndpoints"]] == ["metrics"]
    single = resources()["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= single.items()


def test_milvus_can_be_reached() -> None:
    (gallery,) = serve_of("search")["gallery"]
    host, port = re.fullmatch(r"\w+=milvus\+tls://([\w.]+):(\d+)/\w+", gallery).groups()  # type: ignore[union-attr]
    milvus, names = replicas()["NetworkPolicy", "smserve-replicas"]["spec"]["egress"]
    assert milvus["ports"] == [{"port": int(port)}]
    (to,) = milvus["to"]
    assert to["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": host.rpartition(".")[2]}
    assert {each["port"] for each in names["ports"]} == {53}


@pytest.mark.parametrize("role", ROLES)
def test_what_the_settings_let_in_fits_into_the_limit_of_memory(role: str, tiny_model: Path) -> None:
    serve = serve_of(role)
    prediction = predict_memory(
        ServerSettings(max_in_flight=serve["max-in-flight"], max_waiting=serve["max-waiting"]),
        tiny_model,
        [],
        decoded_bytes_in_flight=serve["max-decoded-mib"] << 20,
    )
    limit = container_of(role)["resources"]["limits"]["memory"]
    assert prediction.at_most < int(limit.removesuffix("Gi")) << 30
