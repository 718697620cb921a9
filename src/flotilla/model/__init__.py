"""What things are: records, panels, tables of states. No behaviour, nothing opened."""
