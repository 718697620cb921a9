"""The roles of a live run, a process each: feed, strategy, portfolio, execution.

    feed ──bars──┬── strategy ──signals── portfolio ──orders── execution ── gateway
                 ├──────────────────────────┘  ▲                  │
                 └────────────────────────────────────────────────┤
                                               └───────fills──────┘

Each is `python -m flotilla.live.<role> RUN_FOLDER [NAME]`, reads its part of the folder's
run.json, writes one log of its own there (folder.py), says when it is ready, and drains on
SIGTERM. Each can be killed at any moment: started again it goes on from its checkpoint and
the logs of the others, and the run ends in the same bits.
"""
