"""The two collections of a gallery: its items, and the log of its writes (`NAME__log`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from smserve.errors import GalleryDamaged, GalleryExists, GalleryNotFound, ModelMismatch
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.library import load_pymilvus

__all__ = [
    "LONGEST_TEXT",
    "MOST_TERMS",
    "TERM_LENGTH",
    "Collections",
    "collection_behind",
    "create_collections",
    "open_collections",
]

LONGEST_TEXT: Final = 65_535
"""Bytes of a text field, Milvus' own limit."""

MOST_TERMS: Final = 4096
"""Terms of an item, Milvus' own limit of an array."""

TERM_LENGTH: Final = 32

_FORMAT: Final = "1"
_VERSION: Final = "smserve.format"
_MODEL: Final = "smserve.model_fingerprint"
_DIMENSION: Final = "smserve.dimension"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collections:
    """A gallery's collections, the model whose vectors they hold, and Milvus' name of their index."""

    items: str
    log: str
    model_fingerprint: str
    dimension: int
    index: str


def collection_behind(connection: Connection) -> str:
    """Return the name of the collection that a connection's address means, by its name or by an alias.

    Raises:
        GalleryNotFound: There is none.
    """
    if not connection.call("has_collection", connection.address.name):
        raise GalleryNotFound(f"there is no gallery {connection.address}; make it with `smserve index build`")
    return str(connection.call("describe_collection", connection.address.name)["collection_name"])


def open_collections(connection: Connection) -> Collections:
    """Find the gallery of a connection's address, and have Milvus load it.

    Raises:
        GalleryNotFound: There is no such collection, or it is none of ours.
        GalleryDamaged: Half of it is missing, or it is of a newer format.
    """
    items = collection_behind(connection)
    properties = connection.properties(items)
    if _VERSION not in properties:
        raise GalleryNotFound(
            f"the collection of {connection.address} is no gallery of smserve; give another name, and make the gallery "
            f"with `smserve index build`"
        )
    if properties[_VERSION] != _FORMAT:
        raise GalleryDamaged(
            f"gallery {connection.address} is of format {properties[_VERSION]}, this smserve reads {_FORMAT}; use a "
            f"newer smserve"
        )
    found = Collections(
        items=items,
        log=_log_of(items),
        model_fingerprint=properties[_MODEL],
        dimension=int(properties[_DIMENSION]),
        index=connection.call("describe_index", items, "vector")["index_type"],
    )
    if not connection.call("has_collection", found.log):
        raise GalleryDamaged(
            f"gallery {connection.address} has lost the collection {found.log}; restore both from a backup, or drop "
            f"{items} and build it again"
        )
    for name in (found.items, found.log):
        connection.call("load_collection", name)
    return found


def create_collections(connection: Connection, *, model_fingerprint: str, dimension: int) -> Collections:
    """Find a gallery, or make an empty one.

    Raises:
        GalleryExists: A collection of that name is none of ours.
        ModelMismatch: Another model made it; both are named.
    """
    items = connection.address.name
    if not connection.call("has_collection", items):
        properties = {_VERSION: _FORMAT, _MODEL: model_fingerprint, _DIMENSION: str(dimension)}
        _create_log(connection, _log_of(items))  # first: items without a log are damage, a log alone is an empty one
        _create_items(connection, items, dimension, properties)
    try:
        found = open_collections(connection)
    except GalleryNotFound as error:
        raise GalleryExists(error.message) from None
    if (found.model_fingerprint, found.dimension) != (model_fingerprint, dimension):
        raise ModelMismatch(
            f"gallery {connection.address} was begun with model {found.model_fingerprint} (D={found.dimension}), the "
            f"model given is {model_fingerprint} (D={dimension}); go on with the same model, or give another name"
        )
    return found


def _log_of(items: str) -> str:
    return f"{items}__log"


def _create_items(connection: Connection, name: str, dimension: int, properties: Mapping[str, str]) -> None:
    pymilvus = load_pymilvus()

    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("item_term", pymilvus.DataType.VARCHAR, max_length=TERM_LENGTH)
    schema.add_field(
        "terms",
        pymilvus.DataType.ARRAY,
        element_type=pymilvus.DataType.VARCHAR,
        max_capacity=MOST_TERMS,
        max_length=TERM_LENGTH,
    )
    for field in ("item_id", "label", "payload", "source_uri", "source_sha256", "thumbnail"):
        schema.add_field(field, pymilvus.DataType.VARCHAR, max_length=LONGEST_TEXT)
    schema.add_field("sequence", pymilvus.DataType.INT64)
    schema.add_field("checksum", pymilvus.DataType.INT64)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=dimension)
    indexes = pymilvus.MilvusClient.prepare_index_params()
    # Exact, and an inner product: of unit vectors that is the cosine, as every gallery here computes it.
    indexes.add_index("vector", index_type="FLAT", metric_type="IP")
    # A server chooses what it calls the best for texts, which differs by its version; the embedded engine must be told.
    indexes.add_index("item_term", index_type="" if connection.address.file is None else "INVERTED")
    _create(connection, name, schema, indexes, properties)


def _create_log(connection: Connection, name: str) -> None:
    pymilvus = load_pymilvus()

    if connection.call("has_collection", name):
        return
    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("name", pymilvus.DataType.VARCHAR, max_length=200, is_primary=True)
    schema.add_field("sequence", pymilvus.DataType.INT64)
    schema.add_field("body", pymilvus.DataType.VARCHAR, max_length=LONGEST_TEXT)
    schema.add_field("unused", pymilvus.DataType.FLOAT_VECTOR, dim=2)  # Milvus wants a vector in every collection
    indexes = pymilvus.MilvusClient.prepare_index_params()
    indexes.add_index("unused", index_type="FLAT", metric_type="L2")
    _create(connection, name, schema, indexes, {_VERSION: _FORMAT})


def _create(connection: Connection, name: str, schema: Any, indexes: Any, properties: Mapping[str, str]) -> None:
    connection.call(
        "create_collection",
        name,
        schema=schema,
        consistency_level="Strong",
        properties=dict(properties),
    )
    connection.call("create_index", name, indexes, sync=False)  # of no rows: nothing to wait for
