import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smserve.errors import InvalidInput, SmserveError
from smserve.images import ResizeRule, crop_center, prepare
from tests.support.pictures import draw, encode, scene
from training.datasets import PictureSet, decode_set
from training.datasets.pixels import cache_file

RULE = ResizeRule(mode="shortest_side", size=20, height=16, width=16)


def make(paths: list[Path]) -> PictureSet:
    return PictureSet(name="drawn/train", paths=tuple(paths), labels=np.zeros(len(paths), np.int64), class_names=("a",))


def test_pixels_are_what_the_server_prepares(tmp_path: Path) -> None:
    sources = [encode(draw("red")), encode(draw("blue", 1), "JPEG"), encode(draw("green").convert("L"), "JPEG")]
    sources.append(encode(Image.new("RGBA", (30, 30), (0, 0, 0, 0)), "WEBP", lossless=True))
    paths = [tmp_path / str(number) for number in range(len(sources))]
    for path, data in zip(paths, sources, strict=True):
        path.write_bytes(data)
    steps: list[tuple[str, int, int]] = []
    pixels = decode_set(make(paths), RULE, tmp_path / "cache", lambda *step: steps.append(step))
    assert pixels.shape == (4, 20, 20, 3)
    for row, data in zip(pixels, sources, strict=True):
        np.testing.assert_array_equal(crop_center(row, 16, 16), prepare(data, RULE))
    assert (pixels[3] == 255).all(), "transparency is white"
    assert steps[-1] == ("decoding drawn/train", 4, 4)


def test_a_large_jpeg_is_what_the_server_prepares_whole_or_reduced(tmp_path: Path) -> None:
    """Each way has pixels of its own, and a place of its own to keep them."""
    path = tmp_path / "large.jpg"
    path.write_bytes(encode(scene((725, 1001)), "JPEG"))
    ways = replace(RULE, decoding="full"), replace(RULE, decoding="reduced")
    full, reduced = (decode_set(make([path]), rule, tmp_path / "cache")[0] for rule in ways)
    assert not np.array_equal(full, reduced)
    for rule, pixels in zip(ways, (full, reduced), strict=True):
        np.testing.assert_array_equal(crop_center(pixels, 16, 16), prepare(path.read_bytes(), rule))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_cache_is_used_until_a_source_or_the_rule_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(draw("red")))
    cache = tmp_path / "cache"
    before = np.array(decode_set(make([path]), RULE, cache))

    def refuse(step: str, done: int, total: int) -> None:
        raise AssertionError("decoded again")

    np.testing.assert_array_equal(decode_set(make([path]), RULE, cache, refuse), before)
    # a crop is not part of what is kept
    decode_set(make([path]), ResizeRule(mode="shortest_side", size=20, height=20, width=20), cache, refuse)
    assert decode_set(make([path]), ResizeRule(size=24, height=24, width=24), cache).shape == (1, 24, 24, 3)
    path.write_bytes(encode(draw("blue")))
    assert not np.array_equal(decode_set(make([path]), RULE, cache), before)
    assert len(list(cache.iterdir())) == 3


def test_all_unreadable_pictures_are_named_and_nothing_is_kept(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(14)]
    for number, path in enumerate(paths[:13]):
        path.write_bytes(encode(draw("red"))[:60] if number else encode(draw("red")))
    with pytest.raises(InvalidInput, match="13 of 14 pictures of drawn/train can't be read") as caught:
        decode_set(make(paths), RULE, tmp_path / "cache")
    lines = caught.value.message.splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:11]] == [str(path) for path in paths[1:11]]
    assert lines[11].strip() == "and 3 more"
    assert list((tmp_path / "cache").iterdir()) == []
    with pytest.raises(InvalidInput, match="No such file"):
        decode_set(make(paths[13:]), RULE, tmp_path / "cache")


def test_an_empty_set_has_no_file(tmp_path: Path) -> None:
    assert decode_set(make([]), RULE, tmp_path / "cache").shape == (0, 20, 20, 3)


def test_a_cache_that_can_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(draw("red")))
    with pytest.raises(SmserveError, match=r"can't be kept in .*a\.png"):
        decode_set(make([path]), RULE, path / "cache")


def test_the_time_of_change_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(draw("red")))
    decode_set(make([path]), RULE, tmp_path / "cache")
    os.utime(path, ns=(1, 1))
    decode_set(make([path]), RULE, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("change", ["cut", "empty", "garbled header", "another shape", "zip"])
def test_a_damaged_cache_is_made_anew(change: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(draw("red")))
    before = np.array(decode_set(make([path]), RULE, tmp_path / "cache"))
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    if change == "another shape":
        np.save(kept, np.zeros((2, 2), np.uint8))
    else:
        kept.write_bytes(
            {"cut": whole[:-1], "empty": b"", "garbled header": whole[:9] + b"?" * 40 + whole[49:], "zip": b"PK\3\4"}[
                change
            ]
        )
    np.testing.assert_array_equal(decode_set(make([path]), RULE, tmp_path / "cache"), before)
    assert kept.read_bytes() == whole
    assert list((tmp_path / "cache").iterdir()) == [kept]


def test_the_cache_is_a_plain_npy_file(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(50)]
    for number, path in enumerate(paths):
        path.write_bytes(encode(draw("red", number)))
    pixels = decode_set(make(paths), RULE, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept == cache_file(make(paths), RULE, tmp_path / "cache")
    np.testing.assert_array_equal(np.load(kept), pixels)
    for row, path in zip(pixels, paths, strict=True):
        np.testing.assert_array_equal(crop_center(row, 16, 16), prepare(path.read_bytes(), RULE))
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(draw("red")))
    rule = ResizeRule(size=128, height=128, width=128)
    tracemalloc.start()
    pixels = decode_set(make([path] * 1000), rule, tmp_path / "cache")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pixels.nbytes == 1000 * 3 * 128 * 128  # 49 MB
    assert peak < 25e6
