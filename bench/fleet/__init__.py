"""The process platform beside other managers: what they do when children die, hang or storm, and cost."""
