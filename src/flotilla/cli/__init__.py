"""The command line: `flotilla COMMAND`.

commands.py     what commands there are, and what each says of itself
signatures.py   what each takes, apart from what it does, so that --help loads nothing of it
main.py         the door: finds the command, answers errors, says how it ended
arguments.py    options that several commands share
say.py          tables and JSON on stdout; progress and notes on stderr
compiler.py     whether somebody waits for the compiler

The other files are a command each.
"""
