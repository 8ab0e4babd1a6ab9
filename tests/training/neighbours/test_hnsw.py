import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.neighbours.points import clustered
from training.neighbours import hnsw
from training.neighbours.hnsw import GraphParameters, RelinkedGraph
from training.neighbours.walks import walk_success


@given(seed=st.integers(0, 10_000), count=st.integers(4, 25))
@settings(max_examples=40, deadline=None)
def test_edges_are_those_that_no_other_hides(seed: int, count: int) -> None:
    # With as many candidates and places as there are vertices, the rule alone decides.
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    squared = ((points[:, None] - points) ** 2).sum(2)
    kept: list[list[int]] = []
    for own in range(count):
        ends: list[int] = []
        for other in np.argsort(squared[own]).tolist():
            hidden = any(squared[end, other] < squared[own, other] for end in ends)
            if other != own and not hidden:
                ends.append(other)
        kept.append(ends)
    both = [set(ends) | {other for other in range(count) if own in kept[other]} for own, ends in enumerate(kept)]
    graph = RelinkedGraph(points, GraphParameters(links=count, effort=count, candidates=count, out_degree=count))
    assert [set(row[row >= 0].tolist()) for row in graph.edges] == both


def test_edges_are_of_other_vertices_each_once_and_as_many_as_asked() -> None:
    points, _ = clustered(500)
    edges = RelinkedGraph(points.numpy(), GraphParameters(out_degree=7)).edges
    assert edges.shape == (500, 7)
    for vertex, row in enumerate(edges.tolist()):
        ends = [end for end in row if end >= 0]
        assert row[len(ends) :] == [-1] * (7 - len(ends))
        assert 0 < len(set(ends)) == len(ends)
        assert vertex not in ends
        assert max(ends) < 500


@pytest.mark.parametrize("dimension", [16, 256])
def test_vectors_without_structure_are_linked_as_well(dimension: int) -> None:
    # faiss' own NSG builder runs for ever on these.
    points = np.random.default_rng(0).normal(size=(600, dimension)).astype(np.float32)
    graph = RelinkedGraph(points, GraphParameters(out_degree=20))
    assert walk_success(points, graph.edges, 500, np.random.default_rng(0)) > 0.5


def test_the_same_on_any_number_of_threads_and_in_any_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    points = clustered(500)[0].numpy()
    before = torch.get_num_threads()
    try:
        graphs = []
        for threads, rows in ((1, 2**13), (2, 150), (2, 2**13)):
            torch.set_num_threads(threads)
            monkeypatch.setattr(hnsw, "_ROWS", rows)
            graphs.append(RelinkedGraph(points, GraphParameters()))
    finally:
        torch.set_num_threads(before)
    anchors = np.arange(500)
    first = graphs[0].nearest(anchors, 20)
    for graph in graphs[1:]:
        assert np.array_equal(graph.edges, graphs[0].edges)
        assert np.array_equal(graph.nearest(anchors, 20)[0], first[0])


def test_faiss_gets_its_threads_back() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        RelinkedGraph(clustered(300)[0].numpy(), GraphParameters()).nearest(np.arange(3), 2)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_a_search_begins_at_its_own_vertex() -> None:
    points, _ = clustered(400)
    found, distances = RelinkedGraph(points.numpy(), GraphParameters()).nearest(np.array([7, 390]), 5)
    assert found[:, 0].tolist() == [7, 390]
    assert distances[:, 0].tolist() == [0, 0]
    for vertex, row, reach in zip((7, 390), found, distances, strict=True):
        squared = ((points - points[vertex]) ** 2).sum(1).numpy()
        assert row.tolist() == np.argsort(squared)[:5].tolist()
        assert reach == pytest.approx(squared[row], abs=1e-6)


def test_what_no_path_leads_to_leaves_places_empty() -> None:
    import faiss

    graph = RelinkedGraph(clustered(300)[0].numpy(), GraphParameters(out_degree=6))
    faiss.copy_array_to_vector(np.full(300 * 6, -1, np.int32), graph._index.hnsw.neighbors)
    found, _ = graph.nearest(np.array([5, 9]), 3)
    assert found.tolist() == [[5, -1, -1], [9, -1, -1]]


def test_parameters_grow() -> None:
    first = GraphParameters(links=16, effort=100, candidates=200, out_degree=40)
    assert first.larger() == GraphParameters(links=24, effort=200, candidates=400, out_degree=60)
