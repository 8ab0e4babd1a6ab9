"""Tests of smserve.gallery.staging."""
