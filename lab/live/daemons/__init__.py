"""One adapter per daemon: its commands, and how to read what it says."""
