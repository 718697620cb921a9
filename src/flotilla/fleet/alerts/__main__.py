"""`python -m flotilla.fleet.alerts <run folder>`: tell people what the supervisor raised."""

import sys

from flotilla.fleet.alerts.service import main

sys.exit(main(sys.argv[1:]))
