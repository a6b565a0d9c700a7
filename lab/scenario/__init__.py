"""What happens in a run and what is expected of it, as values; nothing is run here."""
