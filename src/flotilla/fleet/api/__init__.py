"""The REST API of a fleet, in a process of its own, which asks the supervisor over its control socket.

Who may ask, and how, is flotilla.access. The supervisor holds the listening socket (fleet/listen.py) and
starts this when somebody knocks.

    routes    what can be asked, and token_routes; models: in which form
    stream    events as they happen; metrics: for Prometheus
    link      the way to the supervisor; audit_queue: what its audit is told; services: what routes are handed
    app       all of it put together; `python -m flotilla.fleet.api <run folder> --fd N` serves it
"""
