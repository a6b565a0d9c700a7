"""Stored runs as text, HTML and JUnit."""
