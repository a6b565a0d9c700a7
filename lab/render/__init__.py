"""What each daemon is configured with: pure functions over templates in configs/."""
