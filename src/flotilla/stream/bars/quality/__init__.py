"""What looks wrong in bars, and in what is not bars: each idea is a file, a function on arrays or on rows."""
