"""Strategies that ship with us, one file each."""
