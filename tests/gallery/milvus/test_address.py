"""Addresses, and secrets that never stand in one."""

from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from smserve.gallery.milvus import MilvusAddress, is_milvus_address
from smserve.gallery.milvus.credentials import Credentials


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("milvus://db/photos", MilvusAddress(name="photos", server="db:19530")),
        ("milvus://127.0.0.1:1/a/b_1", MilvusAddress(name="b_1", server="127.0.0.1:1", database="a")),
        ("milvus+tls://[::1]:443/_x", MilvusAddress(name="_x", server="[::1]:443", tls=True)),
        ("milvus+lite:///data/m.db#photos", MilvusAddress(name="photos", file=Path("/data/m.db"))),
        ("milvus+lite://m.db#photos", MilvusAddress(name="photos", file=Path("m.db"))),
    ],
)
def test_addresses(text: str, address: MilvusAddress) -> None:
    assert is_milvus_address(text)
    assert MilvusAddress.parse(text) == address == MilvusAddress.parse(str(address))


@pytest.mark.parametrize(
    "text",
    [
        *("milvus://", "milvus://db", "milvus://db:0/x", "milvus://db:99999/x", "milvus://db/a/b/c", "milvus://db/1x"),
        *("milvus+lite:///m.db", "milvus+lite://#x", "milvus+lite:///m.db#a b", "milvus+http://db/x", "s3://bucket/x"),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="no gallery in Milvus; wanted milvus://"):
        MilvusAddress.parse(text)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="SMSERVE_MILVUS_TOKEN") as caught:
        MilvusAddress.parse("milvus://root:secret@db/photos")
    assert "secret" not in caught.value.message


def test_a_folder_is_no_address() -> None:
    assert not any(is_milvus_address(text) for text in ("milvus/", "/milvus:/x", "C://x", "a=milvus://db/x"))


def test_credentials_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("root:secret\n")
    (tmp_path / "ca.pem").touch()
    read = Credentials.of_environment(
        {"SMSERVE_MILVUS_TOKEN_FILE": f"{tmp_path}/token", "SMSERVE_MILVUS_CA": f"{tmp_path}/ca.pem"}
    )
    assert (read.token, read.authority) == ("root:secret", tmp_path / "ca.pem")
    assert "secret" not in repr(read)
    assert Credentials.of_environment({"SMSERVE_MILVUS_TOKEN": "ab"}) == Credentials(token="ab")  # noqa: S106 - none
    assert Credentials.of_environment({}) == Credentials()
    for wrong in (
        {"SMSERVE_MILVUS_TOKEN": "x", "SMSERVE_MILVUS_TOKEN_FILE": "y"},
        {"SMSERVE_MILVUS_TOKEN_FILE": f"{tmp_path}/nothing"},
        {"SMSERVE_MILVUS_CA": f"{tmp_path}/nothing"},
    ):
        with pytest.raises(InvalidInput, match="SMSERVE_MILVUS_"):
            Credentials.of_environment(wrong)


def test_a_token_is_sent_in_the_clear_to_nobody() -> None:
    token = Credentials(token="secret")  # noqa: S106 - none
    for text in ("milvus+tls://db/x", "milvus://127.0.0.1/x", "milvus://localhost/x", "milvus+lite://m.db#x"):
        token.check(MilvusAddress.parse(text))
    with pytest.raises(InvalidInput, match=r"milvus\+tls://") as caught:
        token.check(MilvusAddress.parse("milvus://db/x"))
    assert "secret" not in caught.value.message
