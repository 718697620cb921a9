"""Who may: tokens and their roles, the gate and the front of an API, keys, and the chain of who did what."""
