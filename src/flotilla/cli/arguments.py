"""Arguments and options that several commands share: the same name means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Config = Annotated[Path, Parameter(help="The YAML file that says what is run.")]
Output = Annotated[Path | None, Parameter(name=("--output", "-o"), help="Folder to write into.")]
Json = Annotated[bool, Parameter(help="Write JSON to stdout, and nothing else.")]
BenchmarkOption = Annotated[
    str | None,
    Parameter(help="An instrument of the data, or a file of prices; by default all, bought and held."),
]
PortfolioOption = Annotated[
    int | str | None,
    Parameter(help="Which portfolio: its number, as `flotilla sweep` lists it, or its name among several."),
]
