"""The control socket: what is asked of a supervisor, and what it answers."""
