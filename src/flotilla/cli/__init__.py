"""The command line: `flotilla COMMAND`.

commands.py     what commands there are, and what each says of itself
signatures.py   what each takes, apart from what it does, so that --help loads nothing of it
main.py         the door: finds the command, answers errors, says how it ended
arguments.py    options that several commands share
say.py          tables and JSON on stdout; progress and notes on stderr
choose.py       one portfolio out of a sweep, under a name of its own
runs.py         what was run, kept so that `why` finds it by an order's id
compare.py      live beside research, bit by bit
compiler.py     whether somebody waits for the compiler

The other files are a command each.
"""
