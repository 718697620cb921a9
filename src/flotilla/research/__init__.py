"""Runs and sweeps over history, and the report about them."""
