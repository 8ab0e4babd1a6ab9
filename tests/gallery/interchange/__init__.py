"""Tests of smserve.gallery.interchange."""
