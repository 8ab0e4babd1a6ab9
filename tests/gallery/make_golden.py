"""Write a golden gallery: `python -m tests.gallery.make_golden`, once for each format version, and never again.

What it writes is committed, and must open for ever: see test_golden.py.
"""

import sqlite3
from pathlib import Path

import numpy as np

from smserve.gallery import LocalGalleryWriter, NewItem
from smserve.gallery.format import FORMAT_VERSION

GOLDEN = Path(__file__).parent / "golden"
MODEL = "0123456789abcdef" * 4


def make(path: Path) -> None:
    """Six items on the axes of four dimensions: five in generations 1 and 2, one replaced and one new after them.

    Since format 2: each write has a request id, "write 1" to "write 3", and one item more came and went.
    """
    axes = np.eye(4, dtype=np.float32)
    diagonal = np.full(4, 0.5, np.float32)
    with LocalGalleryWriter(path, model_fingerprint=MODEL, dimension=4) as writer:
        writer.upsert(
            [
                golden_item("a", axes[0]),
                golden_item("b", axes[1]),
                golden_item("c", axes[2], thumbnail=b"\xff\xd8 a picture"),
            ],
            request_id="write 1",
        )
        writer.publish()
        writer.upsert([golden_item("d", axes[3]), golden_item("e", -axes[0])], request_id="write 2")
        writer.publish()
        writer.upsert(
            [golden_item("a", diagonal, label="replaced"), golden_item("f", axes[0]), golden_item("g", axes[1])],
            request_id="write 3",
        )
        writer.delete(["g"])
    with sqlite3.connect(path / "gallery.sqlite") as connection:
        # Read from a clean checkout, which must stay clean: without a write-ahead log nothing is made beside it.
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    (path / "LOCK").unlink()


def golden_item(item_id: str, vector: np.ndarray, *, label: str = "class", thumbnail: bytes | None = None) -> NewItem:
    return NewItem(
        item_id=item_id,
        vector=vector,
        label=label,
        payload={"price": 3, "name": f"ä {item_id}"},
        source_uri=f"/pictures/{item_id}.jpg",
        source_sha256=item_id * 64,
        thumbnail=thumbnail,
    )


if __name__ == "__main__":
    make(GOLDEN / f"v{FORMAT_VERSION}")
