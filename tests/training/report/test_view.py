import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.report.drawn import clusters, embedded
from training.report import Embedded, NeighbourRow, view_test


def on_circle(degrees: list[float], labels: list[int]) -> Embedded:
    radians = torch.deg2rad(torch.tensor(degrees))
    return embedded(torch.stack([radians.cos(), radians.sin()], 1), labels)


def asked(rows: tuple[NeighbourRow, ...]) -> list[str]:
    return [row.name for row in rows]


# a at 0, 10 and 100 degrees, b at 30 and 45, c alone at 90
CIRCLE = ([0.0, 10, 100, 30, 45, 90], [0, 0, 0, 1, 1, 2])


def test_rows_are_queries_and_their_nearest_first() -> None:
    view = view_test(on_circle(*CIRCLE))
    rows = {row.name: row for row in view.hits + view.misses}
    assert set(asked(view.hits)) == {"0.png", "1.png", "3.png", "4.png"}
    assert asked(view.misses) == ["2.png"], "the class with one picture can't be found, so it is no miss"
    row = rows["0.png"]
    assert [each.name for each in row.found] == ["1.png", "3.png", "4.png", "5.png", "2.png"]
    assert [each.right for each in row.found] == [True, False, False, False, True]
    assert [each.class_name for each in row.found] == ["a", "b", "b", "c", "a"]
    assert [each.cosine for each in row.found] == pytest.approx(np.cos(np.deg2rad([10, 30, 45, 90, 100])), abs=1e-6)


def test_misses_come_the_surest_first() -> None:
    # every nearest is wrong: distances 5, 5, 20 and 20
    view = view_test(on_circle([0, 5, 60, 80], [0, 1, 0, 1]))
    assert view.hits == ()
    assert asked(view.misses) == ["0.png", "1.png", "2.png", "3.png"]


def test_the_hardest_classes_say_what_they_are_taken_for() -> None:
    view = view_test(on_circle(*CIRCLE))
    assert [(row.class_name, row.pictures, row.confused) for row in view.hardest] == [("a", 3, (("c", 1),))]
    assert view.hardest[0].recall_at_1 == pytest.approx(2 / 3)
    assert view.hardest[0].example.name == "2.png"


def test_queries_ask_the_gallery() -> None:
    queries = on_circle([0, 90], [0, 2])
    gallery = on_circle([5, 20, 80], [1, 0, 1])
    view = view_test(queries, gallery=gallery)
    assert asked(view.misses) == ["0.png"], "class c is not in the gallery"
    assert [each.class_name for each in view.misses[0].found] == ["b", "a", "b"]


def test_pictures_are_those_that_are_named() -> None:
    row = view_test(on_circle(*CIRCLE)).misses[0]
    for source, number in ((row.picture, 2), (row.found[0].picture, 5)):
        kind, data = source.split(",", 1)
        assert kind == "data:image/webp;base64"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), np.int64)
        assert abs(pixels.mean() - number) <= 1.5


def test_the_map_has_all_pictures_and_the_same_each_time() -> None:
    first, again = (view_test(clusters()).map for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.places.shape == (30, 2)
    assert np.isfinite(first.places).all()
    np.testing.assert_array_equal(first.places, again.places)
    assert (len(first.pictures), len(first.class_names), len(first.names), first.of) == (30, 30, 30, 30)


def test_classes_that_lie_apart_lie_apart_on_the_map() -> None:
    found = view_test(clusters(classes=3, per_class=12, spread=0.02)).map
    assert found is not None
    centres = np.stack([found.places[12 * number : 12 * (number + 1)].mean(0) for number in range(3)])
    nearest = np.linalg.norm(found.places[:, None] - centres, axis=2).argmin(1)
    assert nearest.tolist() == [number // 12 for number in range(36)]


def test_of_many_pictures_whole_classes_are_placed() -> None:
    found = view_test(clusters(), on_map=15).map
    assert found is not None
    assert found.of == 30
    assert [found.class_names.count(name) for name in set(found.class_names)] == [5, 5, 5]


@pytest.mark.parametrize("labels", [[], [0], [0, 1], [0, 0, 1]])
def test_few_pictures_are_no_fault(labels: list[int]) -> None:
    view = view_test(embedded(torch.eye(3)[: len(labels)], labels))
    assert view.map is None


def test_a_csvs_absolute_paths_are_cut() -> None:
    pictures = on_circle(*CIRCLE)
    object.__setattr__(pictures.pictures, "ids", tuple(f"/home/me/photos/a/{number}.png" for number in range(6)))
    view = view_test(pictures)
    assert asked(view.misses) == ["a/2.png"]
    assert view.map is not None
    assert view.map.names[0] == "a/0.png"
