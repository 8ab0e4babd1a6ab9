"""The nearest of queries by rounded products and a second look; queries that ask each other need half the products.

A product that reaches its query's floor, a guess from a sample of the gallery, makes a pair. If a query has enough
pairs, they prove what may be among its nearest, and those are looked at again in float32. A wrong guess costs time and
nothing else: the query comes back as not proven.
"""

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.neighbours.pairs import MOST_PICTURES, Integers, pack, packed_row, unpack
from training.neighbours.parallel import in_order
from training.neighbours.rounded import RoundedVectors

__all__ = ["RoundedSearch"]

_FEWEST_ROWS = 4096
_LARGEST_SHARE = 1 / 200  # of a gallery; looking again at more than that costs more than float32 products of all of it
_SAMPLED_SHARE = 32  # one of so many pictures of the gallery is in the sample
_MOST_PAIRS = 2**26  # that queries which ask each other may find: 512 MiB
_MOST_TILES = 1024  # of queries which ask each other: each tile keeps a list for every one after it
_CROWDED = 16  # a tile with so many times the expected pairs is full of pictures too close to tell apart
_CHUNK_PAIRS = 1024  # pairs looked at together: they should stay in the processor's cache


class RoundedSearch:
    """Searches a gallery, or the queries themselves, for the nearest of each query, a tile of queries at a time."""

    def __init__(self, queries: Tensor, gallery: Tensor, count: int, rows: int) -> None:
        """Find the floors, and where the queries ask each other, all pairs.

        Args:
            queries: (Q, D) float32.
            gallery: (K, D) float32; the same tensor as `queries` if they ask each other: none finds itself.
            count: k, at least 1.
            rows: Queries in a tile.
        """
        self._queries, self._gallery, self._count, self._rows = queries, gallery, count, rows
        self._rounded = RoundedVectors(queries, gallery)
        self._alone = queries is not gallery
        # About so many of a query's 1.5 k nearest are in the sample; more than three deviations above that are there
        # so seldom that it doesn't matter.
        sampled = 1.5 * count / _SAMPLED_SHARE
        self._sample_rank = math.ceil(sampled + 3 * math.sqrt(sampled) + 1)
        self._starts = range(0, len(queries), rows)
        self._floors = self._guess_floors()
        self._pairs = None if self._alone else self._find_mutual_pairs()

    @classmethod
    def if_worthwhile(cls, queries: Tensor, gallery: Tensor, count: int, rows: int) -> Self | None:
        """Return a search if it is faster than float32 products for that much work on this machine."""
        if queries.device.type != "cpu" or min(len(queries), len(gallery)) < _FEWEST_ROWS:
            return None
        if not 0 < count <= _LARGEST_SHARE * len(gallery) or max(len(queries), len(gallery)) > MOST_PICTURES:
            return None
        able = torch.cpu.get_capabilities()
        worthwhile = able.get("avx512_bf16") or able.get("amx_bf16")
        return cls(queries, gallery, count, rows) if worthwhile else None

    def find(self, start: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return cosines (rows, k), descending, equal ones by column, columns (rows, k), and the rows (rows,) proven.

        What isn't proven has no meaning. Each tile can be asked for once.

        Args:
            start: The first query of a tile.
        """
        rows = slice(start, min(start + self._rows, len(self._queries)))
        if self._pairs is None:
            packed = self._pairs_of(rows)
        else:
            packed = np.concatenate(self._pairs[start // self._rows])
            self._pairs[start // self._rows] = []
        packed.sort()
        return self._rank(packed, rows)

    def _guess_floors(self) -> NDArray[np.int16]:
        """Return (Q,) bits of the sample's r-th largest product with each query, positive."""
        total = len(self._gallery)
        generator = torch.Generator().manual_seed(0)
        size = max(self._sample_rank, total // _SAMPLED_SHARE)
        sample = self._rounded.gallery[torch.randperm(total, generator=generator)[:size]]

        def floors_of(start: int) -> Tensor:
            products = self._rounded.queries[start : start + self._rows] @ sample.T
            return products.float().topk(min(self._sample_rank, len(sample)), dim=1).values[:, -1]

        return np.maximum(_bits(torch.cat(list(in_order(floors_of, self._starts))).bfloat16()), 1)

    def _pairs_of(self, rows: slice) -> Integers:
        """Return the packed pairs of a tile; a query with far more than expected gets none."""
        products = _bits(self._rounded.queries[rows] @ self._rounded.gallery.T)
        if not self._alone:
            products[np.arange(len(products)), np.arange(rows.start, rows.stop)] = -1
        reached = products >= self._floors[rows, None]
        limit = self._expected(1)
        if np.count_nonzero(reached) > limit * len(reached):
            reached[np.count_nonzero(reached, axis=1) > limit] = False
        queries, columns, values = _listed(products, reached)
        return pack(queries + rows.start, values, columns)

    def _find_mutual_pairs(self) -> list[list[Integers]] | None:
        """Return the packed pairs of each tile from half of the products; None: there are too many to keep."""
        expected = len(self._queries) * self._sample_rank * _SAMPLED_SHARE
        if len(self._starts) > _MOST_TILES or expected > _MOST_PAIRS:
            return None
        ends = packed_row(np.arange(1, len(self._starts) + 1) * self._rows)
        found: list[list[Integers]] = [[] for _ in self._starts]
        total = 0
        for number, pairs in enumerate(in_order(self._mutual_pairs_from, self._starts)):
            total += 0 if pairs is None else sum(map(len, pairs))
            if pairs is None or total > _MOST_PAIRS:
                return None
            own, others = pairs
            found[number].append(own)
            _hand_out(others, found, ends, number)
        return found

    def _mutual_pairs_from(self, start: int) -> tuple[Integers, Integers] | None:
        """Return the pairs of a tile with itself and what follows it, as its queries see them and as the others do."""
        rows = slice(start, start + self._rows)
        products = _bits(self._rounded.queries[rows] @ self._rounded.queries[start:].T)
        length = len(products)
        products[:, :length][np.tri(length, dtype=bool)] = -1  # itself, and those that the other has seen
        reached = products >= self._floors[rows, None]
        reached |= products >= self._floors[None, start:]
        if np.count_nonzero(reached) > 2 * self._expected(length):
            return None
        queries, others, values = _listed(products, reached)
        queries, others = queries + start, others + start
        seen, seen_there = values >= self._floors[queries], values >= self._floors[others]
        there = pack(others[seen_there], values[seen_there], queries[seen_there])
        there.sort()
        return pack(queries[seen], values[seen], others[seen]), there

    def _expected(self, queries: int) -> int:
        return queries * _CROWDED * self._sample_rank * _SAMPLED_SHARE

    def _rank(self, packed: Integers, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Look again at what may be among the nearest; see `find`."""
        length, count = rows.stop - rows.start, self._count
        queries, values, columns = unpack(packed)
        queries -= rows.start
        bounds = np.searchsorted(queries, np.arange(length + 1))
        enough = np.diff(bounds) >= count
        kth = np.zeros(length, np.float32)
        kth[enough] = values[bounds[:-1][enough] + count - 1]
        cutoff = self._rounded.cutoff(torch.from_numpy(kth), rows).numpy()
        floors = (self._floors[rows].astype(np.uint32) << 16).view(np.float32)
        proven = enough & (cutoff >= floors)  # below its floor, a query's pairs are not all listed
        kept = proven[queries] & (values >= cutoff[queries])
        queries, columns = queries[kept], columns[kept]
        exact = self._exact_cosines(queries + rows.start, columns)
        order = np.lexsort((columns, -exact, queries))
        firsts = np.searchsorted(queries, np.arange(length)[proven])
        nearest = order[firsts[:, None] + np.arange(count)]
        cosines, indices = np.zeros((length, count), np.float32), np.zeros((length, count), np.int64)
        cosines[proven], indices[proven] = exact[nearest], columns[nearest]
        return torch.from_numpy(cosines), torch.from_numpy(indices), torch.from_numpy(proven)

    def _exact_cosines(self, queries: Integers, columns: Integers) -> NDArray[np.float32]:
        rows, pictures = torch.from_numpy(queries), torch.from_numpy(columns)
        exact = torch.empty(len(rows))
        for start in range(0, len(rows), _CHUNK_PAIRS):
            chunk = slice(start, start + _CHUNK_PAIRS)
            pairs = self._queries.index_select(0, rows[chunk]).mul_(self._gallery.index_select(0, pictures[chunk]))
            torch.sum(pairs, 1, out=exact[chunk])
        found: NDArray[np.float32] = exact.numpy()
        return found


def _bits(values: Tensor) -> NDArray[np.int16]:
    """Return the bits of bfloat16 numbers: those of positive ones are in their order, those of the others below 0."""
    bits: NDArray[np.int16] = values.view(torch.int16).numpy()
    return bits


def _listed(products: NDArray[np.int16], reached: NDArray[np.bool_]) -> tuple[Integers, Integers, NDArray[np.int16]]:
    """Return rows, columns and products where `reached`."""
    places = np.flatnonzero(reached)
    rows, columns = np.divmod(places, products.shape[1])
    return rows, columns, products.ravel()[places]


def _hand_out(pairs: Integers, found: list[list[Integers]], ends: Integers, first: int) -> None:
    """Add sorted pairs to the lists of the tiles that their rows are in, none before the first."""
    bounds: Sequence[int] = np.searchsorted(pairs, ends[first:]).tolist()
    start = 0
    for tile, stop in enumerate(bounds, first):
        if stop > start:
            found[tile].append(pairs[start:stop].copy())  # a view would keep all of them
        start = stop
