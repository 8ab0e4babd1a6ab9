"""What the files of deploy/ say of smserve is so: options, ports, times, memory, names."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from smserve.cli.root import smserve
from smserve.config import DEFAULT_PORT
from smserve.server import Security, ServerSettings
from smserve.server.memory import predict_memory
from smserve.version import VERSION
from tests.deploy.files import commands, container, instruction, instructions, pod, resources, settings, unit

SERVER = ServerSettings(host="0.0.0.0", security=Security(insecure=True))  # noqa: S104 - nothing is bound
READY = "smserve.v1.RetrievalService"


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(smserve, [str(argument) for argument in arguments])


@pytest.mark.parametrize("place", commands())
def test_every_command_is_one(place: str, tmp_path: Path) -> None:
    command = commands()[place]
    if command[0] == "--config":
        command[1] = str(tmp_path / "smserve.toml")
        Path(command[1]).touch()
    result = invoke(*command, "--help")  # after its options were parsed
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("place", settings())
def test_every_setting_is_one(place: str, tmp_path: Path) -> None:
    """Where the paths of the file are there."""
    text = re.sub(r'"/(?=(etc|run|var|data|models)/)', f'"{tmp_path}/', settings()[place])
    serve = tomllib.loads(text)["serve"]
    for key in ("model", "tls-certificate", "tls-key", "keys"):
        Path(serve[key]).parent.mkdir(parents=True, exist_ok=True)
        Path(serve[key]).touch()
    file = tmp_path / "smserve.toml"
    file.write_text(text)
    result = invoke("--config", file, "config", "show", "serve", "--json")
    assert result.exit_code == 0, result.output
    shown = {each["option"]: each["value"] for each in json.loads(result.stdout)["settings"]}
    assert {f"--{key}": value for key, value in serve.items()}.items() <= shown.items()
    assert not shown["--insecure"]


def test_ports() -> None:
    serve = tomllib.loads(settings()["kubernetes"])["serve"]
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    assert ports == {"grpc": DEFAULT_PORT, "health": serve["health-port"], "metrics": serve["metrics-port"]}
    assert sorted(ports.values()) == sorted(map(int, instruction("EXPOSE").split()))
    assert f'"127.0.0.1:{ports["health"]}"' in instruction("HEALTHCHECK")
    (port,) = resources()["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (DEFAULT_PORT, "grpc")
    let_in = [each["port"] for rule in resources()["NetworkPolicy"]["spec"]["ingress"] for each in rule["ports"]]
    assert let_in == ["grpc", "metrics"]
    annotations = resources()["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["metrics"])
    probes = {name: container()[f"{name}Probe"]["grpc"] for name in ("startup", "readiness", "liveness")}
    assert probes == {
        "startup": {"port": ports["health"], "service": READY},
        "readiness": {"port": ports["health"], "service": READY},
        "liveness": {"port": ports["health"], "service": ""},
    }
    of_unit = tomllib.loads(settings()["systemd"])["serve"]
    assert (of_unit["health-port"], of_unit["metrics-port"]) == (ports["health"], ports["metrics"])


def test_a_server_has_time_to_stop() -> None:
    least = SERVER.drain_delay + SERVER.grace_s + 5 + 10  # 10 s for the last traces
    assert pod()["terminationGracePeriodSeconds"] >= least
    assert int(unit()["Service"]["TimeoutStopSec"]) >= least
    assert instruction("STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize("place", settings())
def test_what_the_settings_let_in_fits_into_the_limit_of_memory(place: str, tiny_model: Path) -> None:
    serve = tomllib.loads(settings()[place])["serve"]
    limits = {
        "systemd": unit()["Service"]["MemoryMax"],
        "kubernetes": container()["resources"]["limits"]["memory"].removesuffix("i"),
    }
    prediction = predict_memory(
        ServerSettings(max_in_flight=serve.get("max-in-flight", 17), max_waiting=serve["max-waiting"]),
        tiny_model,
        [],
        decoded_bytes_in_flight=serve["max-decoded-mib"] << 20,
    )
    assert prediction.at_most < int(limits[place].removesuffix("G")) << 30


def test_nothing_runs_as_root_or_writes_where_it_runs() -> None:
    user, group = map(int, instruction("USER").split(":"))
    context = pod()["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["runAsNonRoot"]) == (user, group, True)
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert unit()["Service"]["DynamicUser"] == "yes"


def test_every_volume_is_mounted_and_every_mount_is_there() -> None:
    claims = [each["metadata"]["name"] for each in resources()["StatefulSet"]["spec"]["volumeClaimTemplates"]]
    volumes = {each["name"] for each in pod()["volumes"]} | set(claims)
    mounts = {each["name"]: each["mountPath"] for each in container()["volumeMounts"]}
    assert mounts.keys() == volumes
    serve = tomllib.loads(settings()["kubernetes"])["serve"]
    assert Path(serve["galleries"]).is_relative_to(mounts["data"])
    for key, name in (("tls-certificate", "tls"), ("tls-key", "tls"), ("keys", "keys")):
        assert Path(serve[key]).parent == Path(mounts[name])
    assert container()["args"][1] == mounts["config"]


def test_the_image_is_made_of_what_is_there() -> None:
    root = Path(__file__).parents[2]
    kept = (root / "deploy" / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    allowed = set(re.findall(r"^!(.+)$", kept, re.MULTILINE))
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == allowed
    assert all((root / path).exists() for path in copied)


def test_the_version() -> None:
    assert container()["image"].endswith(f":{VERSION}")
