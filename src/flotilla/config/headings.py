"""Headings that a file may put a portfolio's terms under: `costs: {fee_bps: 5}` is `fee_bps: 5`.

A term's name is unique, so without its heading it is as clear; a path may have it or not, too:
`portfolio.costs.fee_bps` of a sweep is `portfolio.fee_bps`.
"""

from __future__ import annotations

from typing import Any

from flotilla.errors import nearest
from flotilla.model.terms import HEADINGS, TERMS
from flotilla.words import cut


def without_headings(raw: Any) -> tuple[Any, list[str]]:
    """Return a configuration's values with each portfolio's terms by their names, and what stands wrong."""
    if not isinstance(raw, dict):
        return raw, []
    found, mistakes = dict(raw), list[str]()
    if isinstance(raw.get("portfolio"), dict):
        found["portfolio"] = _terms(raw["portfolio"], "$.portfolio", mistakes)
    if isinstance(raw.get("portfolios"), dict):
        found["portfolios"] = {
            name: _terms(told, f"$.portfolios.{name}", mistakes) if isinstance(told, dict) else told
            for name, told in raw["portfolios"].items()
        }
    if isinstance(raw.get("sweep"), dict):
        found["sweep"] = {path_of(str(key)): values for key, values in raw["sweep"].items()}
        if len(found["sweep"]) < len(raw["sweep"]):
            twice = next(key for key in raw["sweep"] if path_of(key) != key and path_of(key) in raw["sweep"])
            mistakes.append(f"$.sweep.{twice} is there twice: it is {path_of(twice)}")
    return found, mistakes


def _terms(told: dict[str, Any], where: str, mistakes: list[str]) -> dict[str, Any]:
    """Return one portfolio's terms by their names; what stands wrong is added to the mistakes."""
    found = {key: value for key, value in told.items() if key not in HEADINGS}
    for heading in (key for key in told if key in HEADINGS):
        part = told[heading]
        if not isinstance(part, dict):
            should = f"{where}.{heading} should be terms and values"
            mistakes.append(f"{should}, as {{{_first(heading)}: ...}}, it is {cut(part)}")
            continue
        wrong = {key: _wrong(f"{where}.{heading}.{key}", heading, str(key), found) for key in part}
        mistakes += filter(None, wrong.values())
        found |= {key: value for key, value in part.items() if not wrong[key]}
    return found


def path_of(key: str) -> str:
    """Return the path of a term without its heading; any other key as it is."""
    owner, _, rest = key.partition(".")
    heading, _, name = rest.partition(".")
    here = owner == "portfolio" and heading in HEADINGS and name
    return f"portfolio.{name}" if here and not _misplaced(heading, name) else key


def _wrong(where: str, heading: str, name: str, told: dict[str, Any]) -> str:
    """Return what is wrong with a term under a heading; "" where nothing is."""
    if name not in TERMS:
        there = [term.name for term in TERMS.values() if term.heading == heading]
        return f"{where}: there is no {cut(name)}{nearest(name, there)}"
    if _misplaced(heading, name):
        return f"{where}: {name} stands under {TERMS[name].heading}, or under no heading"
    return f"{where} is there twice: without its heading, too" if name in told else ""


def _misplaced(heading: str, name: str) -> bool:
    term = TERMS.get(name.partition(".")[0])
    return term is None or term.heading != heading


def _first(heading: str) -> str:
    return next(term.name for term in TERMS.values() if term.heading == heading)
