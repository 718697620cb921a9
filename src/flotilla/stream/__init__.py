"""Streams: append-only tables that may not have ended yet, on disk and on the wire."""
