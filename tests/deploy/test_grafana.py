"""The Grafana board: of Grafana's schema, and about what a server really exports."""

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deploy.conftest import named_in

BOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "smserve.json"


@pytest.fixture
def board() -> Any:
    return json.loads(BOARD.read_text(encoding="utf-8"))


def unknown_to(schema: Any, document: Any, path: str = "") -> list[str]:
    """Return what of a document did not survive being read and written by the schema's own models."""
    if isinstance(document, dict) and isinstance(schema, dict):
        return [
            line
            for key, value in document.items()
            for line in (unknown_to(schema[key], value, f"{path}/{key}") if key in schema else [f"{path}/{key}"])
        ]
    if isinstance(document, list) and isinstance(schema, list) and len(document) == len(schema):
        pairs = enumerate(zip(schema, document, strict=True))
        return [line for number, (ours, theirs) in pairs for line in unknown_to(ours, theirs, f"{path}/{number}")]
    return [] if document == schema else [path]


def through_the_schema(board: Any) -> Any:
    register_default_plugins()
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))


def test_it_is_of_grafanas_schema(board: Any) -> None:
    assert unknown_to(through_the_schema(board), board) == []


def test_a_slip_in_it_is_found(board: Any) -> None:
    board["panels"][1]["gridPosition"] = board["panels"][1].pop("gridPos")
    board["panels"][2]["targets"][0]["expression"] = "up"
    assert unknown_to(through_the_schema(board), board) == [
        "/panels/1/gridPosition",
        "/panels/2/targets/0/expression",
    ]


def test_every_query_is_about_what_a_server_exports(board: Any, exported: frozenset[str]) -> None:
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    queries += [variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert len(queries) > 20
    for query in queries:
        assert named_in(query) <= exported, query


def test_every_panel_asks_the_chosen_source_about_the_chosen_servers(board: Any) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert target["expr"].count("{") == target["expr"].count('job="$job",instance=~"$instance"')


def test_no_panel_lies_on_another(board: Any) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]
