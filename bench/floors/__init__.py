"""The same work in the bare parts: what could not be done faster with them."""
