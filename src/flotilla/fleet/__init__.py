"""Processes: starts, watches and stops commands. It knows nothing of what they do."""
