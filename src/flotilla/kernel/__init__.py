"""Arithmetic, compiled: every number that research and live must agree on is computed here, once."""
