"""Bars on their way in: columns and times read, layouts recognised, and one door to a checked Panel."""
