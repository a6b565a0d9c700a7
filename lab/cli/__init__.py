"""The command line: parse, one call, an exit status."""
