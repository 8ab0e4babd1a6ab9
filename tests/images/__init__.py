"""Tests of smserve.images."""
