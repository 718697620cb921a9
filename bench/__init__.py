"""How fast Flotilla is, beside its peers and floors, in one run on one machine.

    make bench                                every row; some fifteen minutes
    make bench QUICK=1                        small sizes: that it runs, and that the values are right
    .venv-bench/bin/python -m bench w3 live   some rows, by the beginning of their names; --help says more

1. rows.py is the table: what is measured, beside what, and the bar that it is held to.
2. Every measurement is a process of its own (process.py, worker.py), on one core, or free to use all.
3. Its first call, which compiles or loads, is told apart from the best of the warm ones (timing.py); so are
   its import, its peak memory, and how much of its cores others used meanwhile (disturbance.py).
4. It checks its own values, against workloads.py and a plain loop (reference.py), or fails.
5. table.py prints; results/ keeps each run as JSON lines, the machine first.

A bar that is missed is printed as missed. What fails the run is an error or a wrong value.
"""
