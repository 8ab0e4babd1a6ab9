"""Tests of smserve.gallery.duplicates."""
