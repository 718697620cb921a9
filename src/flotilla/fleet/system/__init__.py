"""What is asked of Linux: to start, find, watch, limit and end processes."""
