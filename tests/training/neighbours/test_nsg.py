import numpy as np
import torch

from tests.training.neighbours.points import clustered
from training.neighbours.nsg import GraphParameters, NavigatingGraph


def test_edges_are_of_other_vertices_each_once_and_as_many_as_asked() -> None:
    points, _ = clustered(500)
    edges = NavigatingGraph(points.numpy(), GraphParameters(out_degree=7), seed=0).edges
    assert edges.shape == (500, 7)
    for vertex, row in enumerate(edges.tolist()):
        ends = [end for end in row if end >= 0]
        assert 0 < len(set(ends)) == len(ends)
        assert vertex not in ends
        assert max(ends) < 500


def test_the_same_seed_gives_the_same_graph_on_any_number_of_threads() -> None:
    points, _ = clustered(1_000)
    before = torch.get_num_threads()
    try:
        graphs = []
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            graphs.append(NavigatingGraph(points.numpy(), GraphParameters(), seed=0))
    finally:
        torch.set_num_threads(before)
    anchors = np.arange(1_000)
    first = graphs[0].nearest(anchors, 20)
    for graph in graphs[1:]:
        assert np.array_equal(graph.edges, graphs[0].edges)
        assert np.array_equal(graph.nearest(anchors, 20)[0], first[0])


def test_faiss_gets_its_threads_back() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        NavigatingGraph(clustered(300)[0].numpy(), GraphParameters(), seed=0).nearest(np.arange(3), 2)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_a_search_begins_at_its_own_vertex() -> None:
    points, _ = clustered(400)
    found, distances = NavigatingGraph(points.numpy(), GraphParameters(), seed=0).nearest(np.array([7, 390]), 5)
    assert found[:, 0].tolist() == [7, 390]
    assert distances[:, 0].tolist() == [0, 0]
    assert (np.diff(distances, axis=1) >= 0).all()


def test_a_vertex_beyond_reach_leaves_places_empty() -> None:
    # Two knots far apart: more is asked for than one holds, and the other may be out of reach.
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(0, 0.01, (150, 4)), random.normal(9, 0.01, (150, 4))]).astype(np.float32)
    found, distances = NavigatingGraph(points, GraphParameters(), seed=0).nearest(np.arange(300), 200)
    assert ((found >= 0) == np.isfinite(distances)).all() or (distances[found < 0] > 1e30).all()
    assert (found[:, :100] >= 0).all()


def test_parameters_grow() -> None:
    larger = GraphParameters().larger()
    assert larger == GraphParameters(out_degree=45, effort=200, cells=32)
