"""Tests of smserve.gallery.snapshot."""
