"""What becomes of platforms and of the whole fleet: pure functions of (state, event, time)."""
