import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from smserve.errors import DataLoss, SmserveError
from training.datasets.archive import checksum, unpack


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
