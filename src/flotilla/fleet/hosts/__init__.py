"""Several hosts: one head that decides, and an agent on each other host, that acts."""
