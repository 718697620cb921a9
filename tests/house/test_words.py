"""What is kept in git speaks of trading and of its code: not of who wrote it, nor of one machine."""

import re
from pathlib import Path

UNWANTED = {
    "who or what wrote it": (
        r"\b(AI|LLMs?|ChatGPT|Claude|Copilot)\b"
        r"|(?i:\b(ai|coding|language) (assistant|agent|model)s?\b|\bsub-?agents?\b|\bco-authored-by\b)"
        r"|(?i:\b(previous|earlier|later|next|another) (session|helper)s? (wrote|made|built|left|will)\b)"
    ),
    "one machine's folders": r"(?<![\w.}~*$)-])/(work|root|home|Users)/",
    "one registry's address": r"(?i:pypi\.org|pythonhosted|npmjs|yarnpkg|conda\.anaconda|index-url)",
}


def test_nothing_says_what_belongs_elsewhere(texts):
    here = Path(__file__).name
    found = [
        f"{name}:{number}: {what}: {match.group()}"
        for name, text in texts.items()
        if Path(name).name != here  # this file names the words
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in UNWANTED.items()
        if (match := re.search(pattern, line))
    ]

    assert not found, "\n".join(found)


def test_the_rule_sees_what_it_is_for():
    seen = {
        what: re.search(pattern, line) is not None
        for (what, pattern), line in zip(
            UNWANTED.items(),
            ["a later session will mend it", "see /home/ann/data", "get it from https://pypi.org"],
            strict=True,
        )
    }

    assert all(seen.values())
    assert not re.search(UNWANTED["who or what wrote it"], "the next session opens at 09:30")
    assert not re.search(UNWANTED["one machine's folders"], "~/work/data and ../shared/home/prices")


def test_what_a_strategy_says_is_a_signal_and_bars_are_simulated(texts):
    found = [
        f"{name}:{number}: {match.group()}"
        for name, text in texts.items()
        if Path(name).name != Path(__file__).name
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.search(r"(?i)opinion|\blived\b|\bliv(e|es|ing) through\b", line))
    ]

    assert not found, "\n".join(found)
