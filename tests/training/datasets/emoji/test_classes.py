from pathlib import Path

import pytest

from training.datasets.emoji.classes import class_key, group_classes, is_left_out, split_of


@pytest.mark.parametrize(
    ("stem", "key"),
    [
        ("1F600", "1f600"),
        ("0023-fe0f-20e3", "23-20e3"),
        ("00a9-fe0f", "a9"),
        ("1f468-200d-2695-fe0f", "1f468-200d-2695"),
    ],
)
def test_key(stem: str, key: str) -> None:
    assert class_key(stem) == key


@pytest.mark.parametrize(
    ("key", "left_out"),
    [
        ("1f600", False),
        ("1f1e9-1f1ea", True),  # flag of Germany: two regional indicators
        ("1f3f4-e0067-e0062-e007f", True),  # a tag sequence
        ("1f3f4", True),  # the black flag
        ("1f3f3-200d-1f308", True),  # the rainbow flag
        ("1f308", False),  # the rainbow
        ("1f44d-1f3fd", True),  # thumbs up, medium skin
        ("1f44d", False),
        ("1f468-1f3fb-200d-2695", True),  # skin tone in the middle
    ],
)
def test_what_is_left_out(key: str, left_out: bool) -> None:
    assert is_left_out(key) is left_out


def test_split_by_the_first_code_point() -> None:
    # `printf 1f600 | sha256sum` starts with 308e, which is 0.19 of ffff; 1f303: 7a6f, 0.48; 1f468: a71a, 0.65
    assert split_of("1f600") == "train"
    assert split_of("1f303") == "validation"
    assert split_of("1f468") == split_of("1f468-200d-2695") == split_of("1f468-200d-1f373") == "test"
    assert {split_of(f"{number:x}") for number in range(0x1F600, 0x1F640)} == {"train", "validation", "test"}


def write(root: Path, vendor: str, files: dict[str, str]) -> Path:
    folder = root / vendor
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def test_classes_need_two_vendors_and_pictures_that_tell_them_apart(tmp_path: Path) -> None:
    art = {
        "google": write(
            tmp_path,
            "google",
            {"1f600.png": "g1", "1f601.png": "g2", "1f602.png": "same", "1f603.png": "same", "1f604.png": "g5"},
        ),
        "twitter": write(
            tmp_path,
            "twitter",
            {"1f600.png": "t1", "1f602.png": "t3", "1f603.png": "t4", "1f604.png": "g5", "1f1e9-1f1ea.png": "flag"},
        ),
        "fluent": write(tmp_path, "fluent", {"1F600.webp": "f1", "1f603-fe0f.webp": "f4", "note.txt": "x"}),
    }
    classes = group_classes(art)
    assert {key: [picture.vendor for picture in pictures] for key, pictures in classes.items()} == {
        "1f600": ["fluent", "google", "twitter"],
        # 1f601 has one vendor; google's 1f602 and 1f603 are the same picture, which leaves 1f602 with one
        "1f603": ["fluent", "twitter"],
        "1f604": ["google", "twitter"],  # the same picture within a class tells nothing wrong
    }
