"""Where bars come from: each file is one source, a class whose `panel` gives a Panel."""
