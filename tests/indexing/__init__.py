"""Tests of smserve.indexing."""
