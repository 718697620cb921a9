"""One self-contained page about a run or a sweep, and the numbers behind it.

    data.py          ReportData, SweepData: what a report is made of
    write.py         write_report(data, folder) -> (report.html, report.json)
    assumptions.py   the parameters of a portfolio in words, and what none of them covers
    surface.py       a sweep's measure over two parameters
    verdict.py       what happened, in a few sentences
    axes.py plot.py charts.py heatmap.py tables.py    the pictures and tables
    sections.py page.py document.py                   put together, as HTML and as JSON

Nothing here runs a backtest, asks the time or reads the configuration: the caller fills in a value.
"""

from flotilla.research.report.assumptions import NOT_MODELLED, assumptions_of
from flotilla.research.report.data import ReportData, SweepData
from flotilla.research.report.write import write_report

__all__ = [
    "NOT_MODELLED",
    "ReportData",
    "SweepData",
    "assumptions_of",
    "write_report",
]
