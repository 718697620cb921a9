"""A block of portfolios, one or thousands: their parameters, the market's rows, one bar, and who drives it.

    params.py     what a portfolio is told, from the units that people write to those of the kernel
    market.py     what all portfolios of a run share: prices, marks, risk decisions, periods
    single.py     one portfolio and its exchange, a bar at a time: what live's processes run
    simulate.py   the same two through all rows, with every detail
    lanes.py      thousands of portfolios through all rows, with their measures alone

Each of them hands its bars to kernel/bar.py, and nobody simulates one by itself.
"""
