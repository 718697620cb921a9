"""Runs as a whole: roles of live, as processes of fleet."""
