"""`flotilla fleet`: what an operator asks of running processes.

commands.py   what commands there are, and what each says of itself
find.py       which fleet is meant, its files, and whoever supervises it
show.py       states, events and orders as a terminal shows them
settle.py     waiting until platforms are where they should be, telling what happens meanwhile
act.py        start, stop, restart, drain, down, ack

The other files are a command each, or two.
"""
