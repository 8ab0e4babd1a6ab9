"""Pictures decoded and embedded on a Ray cluster, by Ray Data; nothing else in smserve knows of Ray."""

from smserve.indexing.cluster.feed import RayFeed

__all__ = ["RayFeed"]
