"""The REST API of a fleet, in a process of its own, which asks the supervisor over its control socket.

The supervisor holds the listening socket (fleet/listen.py) and starts this when somebody knocks.

    tokens    who may do what: a file of hashes
    gate      is this token good? without paying for the hash each time, and not for those who guess
    front     what a request passes before anything looks at what it asks for
    patience  how long a connection may be silent
    roles     each route says who may use it, or nothing starts
    routes    what can be asked, and token_routes; models: in which form
    stream    events as they happen; metrics: for Prometheus
    link      the way to the supervisor; diary: what is told to its audit; services: what routes are handed
    app       all of it put together; `python -m flotilla.fleet.api <run folder> --fd N` serves it
"""
