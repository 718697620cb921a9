"""Flotilla: research thousands of portfolios in seconds, then trade the chosen ones."""

from importlib.metadata import version

__version__ = version("flotilla")
