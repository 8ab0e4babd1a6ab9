"""What the page finds on two sides, and what it says of them."""

import shutil
from pathlib import Path

import pytest

from smserve.client import Client, ItemId
from smserve.errors import GenerationMismatch
from smserve.model_file import fingerprint
from smserve.server import open_engine
from smserve.types import UpsertItem
from smserve.ui.answers import Overlap, ask
from smserve.ui.question import Question, Side
from smserve.ui.state import staged_beside
from tests.support.pictures import draw, encode
from tests.support.running import running_server


def question(picture: bytes | None, other: Side | None, *, name: str = "picture", top_k: int = 5) -> Question:
    return Question(
        picture=picture, name=name, side=Side(gallery="drawn"), other=other, top_k=top_k, min_score=None, filter=""
    )


def test_a_staged_model_beside_the_one_in_use(
    tiny_model: Path, other_model: Path, drawn_gallery: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn_gallery, tmp_path / "drawn")
    (tmp_path / "models").mkdir()
    shutil.copy(other_model, tmp_path / "models")
    old, new = (fingerprint(model.read_bytes()) for model in (tiny_model, other_model))
    engine = open_engine(tiny_model, [("drawn", tmp_path / "drawn")], models=tmp_path / "models", writable=True)
    staged = Side(gallery="drawn", staged=True)
    picture = encode(draw("red", 9))
    with running_server(engine) as server, Client(server.address) as client:
        with pytest.raises(GenerationMismatch, match="has no model staged"):
            ask(client, question(picture, staged))
        assert staged_beside(client, client.info()) == set()
        assert list(client.stage_model(new))[-1].ready
        assert staged_beside(client, client.info()) == {"drawn"}
        first, second = ask(client, question(picture, staged)).sides
        assert (first.result.model_fingerprint, second.result.model_fingerprint) == (old, new)
        assert (first.title, second.title) == ("drawn, model in use", "drawn, staged model")
        assert first.elsewhere == {hit.item_id: rank for rank, hit in enumerate(second.result.hits, 1)}
        assert (first.is_behind, second.is_behind) == (False, False)
        client.upsert([UpsertItem(item_id="new", image=picture)])
        first, second = ask(client, question(None, staged, name="red/0.png")).sides
        assert (first.is_behind, second.is_behind) == (False, True)
        with Client(server.address) as other:
            wanted = other.search(ItemId("red/0.png"), top_k=5, staged=True)
        assert [hit.item_id for hit in second.result.hits] == [hit.item_id for hit in wanted.hits]
        assert staged_beside(client, client.info()) == {"drawn"}, "it can still be asked"


def test_one_side_has_nothing_beside_it(address: str) -> None:
    with Client(address) as client:
        alone = Question(
            picture=encode(draw("red")), name="", side=Side(gallery=""), other=None, top_k=5, min_score=None, filter=""
        )
        answers = ask(client, alone)
    assert answers.overlap is None
    assert [(each.title, each.elsewhere) for each in answers.sides] == [("shapes", {})]


def test_overlap_counts_what_both_found(address: str) -> None:
    with Client(address) as client:
        few, many, none = (
            client.search(encode(draw("red")), top_k=top_k, filter=text)
            for top_k, text in ((3, None), (12, None), (5, 'label = "nobody"'))
        )
    assert Overlap.of(few, many) == Overlap(common=3, most=12, same_first=True)
    assert Overlap.of(few, none) == Overlap(common=0, most=3, same_first=False)
    assert Overlap.of(none, none) is None
