import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from smserve.errors import DataLoss, SmserveError
from tests.training.datasets.archives import pack_zip
from training.datasets.archive import checksum, unpack, unpack_together


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_checksum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert checksum(tmp_path / "a", "sha512") == hashlib.sha512(b"abc").hexdigest()
    assert checksum(tmp_path / "a", "md5") == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5


def test_wanted_files_only(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", {"root/x.txt": b"x", "root/y.bin": b"y"})
    steps: list[tuple[str, int, int]] = []
    unpack(archive, tmp_path / "out", lambda name: name.endswith(".txt"), lambda *step: steps.append(step))
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == ["root/x.txt"]
    assert steps[-1] == ("unpacking a.tgz", archive.stat().st_size, archive.stat().st_size)


@pytest.mark.parametrize("name", ["../outside", "root/../../outside"])
def test_a_member_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", {"root/x.txt": b"x", name: b"y"})
    with pytest.raises(DataLoss, match="is damaged"):
        unpack(archive, tmp_path / "deep" / "out", lambda _: True)
    assert not list(tmp_path.rglob("outside"))
    assert not list((tmp_path / "deep").iterdir())


def test_a_cut_archive_leaves_nothing(tmp_path: Path) -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200))
    archive = pack(tmp_path / "a.tgz", {"root/x": noise, "root/y": noise[::-1]})
    archive.write_bytes(archive.read_bytes()[:-3000])
    with pytest.raises(DataLoss, match="is damaged"):
        unpack(archive, tmp_path / "out", lambda _: True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]
    archive.write_bytes(b"no archive")
    with pytest.raises(DataLoss, match="is damaged"):
        unpack(archive, tmp_path / "out", lambda _: True)


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", {"root/x": b"x"})
    with pytest.raises(SmserveError, match="can't be unpacked"):
        unpack(archive, archive / "out", lambda _: True)


def test_flipped_bytes_are_damage_and_no_full_disk(tmp_path: Path) -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200))
    archive = pack(tmp_path / "a.tgz", {"root/x": noise})
    whole = archive.read_bytes()
    for place in (0, 12, 3000, len(whole) - 6):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF, 0x00]) + whole[place + 2 :])
        with pytest.raises(DataLoss, match="is damaged"):
            unpack(archive, tmp_path / "out", lambda _: True)
    assert not (tmp_path / "out").exists()


def test_wanted_files_of_a_zip_only(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(pack_zip({"root/x.txt": b"x", "root/y.bin": b"y" * 10, "root/empty/": b""}))
    steps: list[tuple[str, int, int]] = []
    unpack(archive, tmp_path / "out", lambda name: name.endswith(".bin"), lambda *step: steps.append(step))
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [tmp_path / "out" / "root" / "y.bin"]
    assert steps == [("unpacking a.zip", 10, 10)]


@pytest.mark.parametrize("name", ["../outside", "root/../../outside", "/outside"])
def test_a_member_that_leaves_the_folder_of_a_zip_is_refused(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(pack_zip({"root/x.txt": b"x", name: b"y"}))
    with pytest.raises(DataLoss, match=r"is damaged .*outside"):
        unpack(archive, tmp_path / "deep" / "out", lambda _: True)
    assert not list(tmp_path.rglob("outside"))
    assert not list((tmp_path / "deep").iterdir())


@pytest.mark.parametrize("change", ["cut", "flip", "nonsense", "empty"])
def test_a_damaged_zip_leaves_nothing(change: str, tmp_path: Path) -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200))
    whole = pack_zip({"root/x": noise, "root/y": noise[::-1]})
    flipped = whole[:3000] + bytes([whole[3000] ^ 0xFF]) + whole[3001:]
    damaged = {"cut": whole[:-3000], "flip": flipped, "nonsense": b"no archive", "empty": b""}[change]
    (tmp_path / "a.zip").write_bytes(damaged)
    with pytest.raises(DataLoss, match="is damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_several_archives_appear_together_or_not_at_all(tmp_path: Path) -> None:
    first = pack(tmp_path / "a.tgz", {"a/x": b"x"})
    second = pack(tmp_path / "b.tgz", {"b/y": b"y"})
    (tmp_path / "list.mat").write_bytes(b"list")
    files = [first, second, tmp_path / "list.mat"]
    unpack_together(files, tmp_path / "out", lambda _: True)
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"a/x", "b/y", "list.mat"}
    second.write_bytes(b"no archive")
    with pytest.raises(DataLoss, match=r"b\.tgz is damaged"):
        unpack_together(files, tmp_path / "other", lambda _: True)
    assert not (tmp_path / "other").exists()
