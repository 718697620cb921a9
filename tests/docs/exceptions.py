"""Commands in the manual that no test of it runs, and why. One that is in no page any more is taken out."""

NOT_RUN = {
    "git clone <the url of this repository> flotilla && cd flotilla": "whoever tests has a checkout",
    "make demo": "CI runs it first, in a fresh checkout (.ci/run)",
    ". .venv/bin/activate": "the tests have the programs on their path already",
}
