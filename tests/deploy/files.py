"""The files of deploy/, read as what they are."""

import configparser
import json
import re
import shlex
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "smserve.service"
SETTINGS = DEPLOY / "systemd" / "smserve.toml"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
MANIFEST = DEPLOY / "kubernetes" / "smserve.yaml"
REPLICAS = DEPLOY / "kubernetes" / "replicas.yaml"
POD_MONITOR = DEPLOY / "kubernetes" / "podmonitor.yaml"


def unit() -> dict[str, dict[str, str]]:
    """The sections of the systemd unit; of settings that stand there twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    parser.read(UNIT)
    return {name: dict(parser[name]) for name in parser.sections()}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, lines that go on joined."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def instruction(name: str) -> str:
    """The last one of its name."""
    return [rest for each, rest in instructions() if each == name][-1]


def resources() -> dict[str, Any]:
    """The manifest's resources, by kind; there is one of each."""
    documents = list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))
    found = {document["kind"]: document for document in documents}
    assert len(found) == len(documents)
    return found


def replicas() -> dict[tuple[str, str], Any]:
    """The resources of the replicas' manifest, by kind and name."""
    documents = list(yaml.safe_load_all(REPLICAS.read_text(encoding="utf-8")))
    found = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    assert len(found) == len(documents)
    return found


def pod_monitor() -> Any:
    """The resource for the Prometheus operator."""
    return yaml.safe_load(POD_MONITOR.read_text(encoding="utf-8"))


def pod() -> Any:
    """The pod of the manifest."""
    return resources()["StatefulSet"]["spec"]["template"]["spec"]


def container() -> Any:
    """Its one container."""
    (only,) = pod()["containers"]
    return only


def commands() -> dict[str, list[str]]:
    """What is run, without the program in front, by the file that it stands in."""
    health = instruction("HEALTHCHECK")
    return {
        "systemd": shlex.split(unit()["Service"]["ExecStart"])[1:],
        "docker": json.loads(instruction("CMD")),
        "docker, health": json.loads(health[health.index("[") :])[1:],
        "kubernetes": container()["args"],
    }


def settings() -> dict[str, str]:
    """The files of settings, by where they are meant for."""
    return {
        "systemd": SETTINGS.read_text(encoding="utf-8"),
        "kubernetes": resources()["ConfigMap"]["data"]["smserve.toml"],
    }
