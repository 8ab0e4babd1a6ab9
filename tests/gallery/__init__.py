"""Tests of smserve.gallery."""
