"""One instrument as a series: what looks odd in it, as pure functions on arrays that need nothing else."""
