"""Tells people: what the supervisor raised, to whom they asked for, from a process of its own."""
