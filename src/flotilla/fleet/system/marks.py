"""The names, in its environment, of what a fleet's processes carry and hand on (tree.py reads them)."""

FLEET, PLATFORM, GENERATION = "FLOTILLA_FLEET", "FLOTILLA_PLATFORM", "FLOTILLA_GENERATION"
FIRST = "FLOTILLA_PID"  # the process id of the platform's first process
