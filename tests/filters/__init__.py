"""Tests of smserve.filters."""
