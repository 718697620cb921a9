"""What is measured of ours, by the doors that a user comes in by."""
