"""Runs as a whole: roles of live, as processes of fleet.

replay.py   history through the live processes
parity.py   live beside research, bit by bit, or where they part
pace.py     how fast bars go through, and how soon orders are answered
watch.py    what a person should know while a run plays
claim.py    whose a run's folder is
"""
