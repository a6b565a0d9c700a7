"""What exists in a lab: the topology file, its rules, its timers. Decides nothing."""
