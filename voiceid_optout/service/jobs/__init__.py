"""Batch jobs: run in the background, from a manifest to its output."""
