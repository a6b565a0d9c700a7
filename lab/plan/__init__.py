"""Topology to plan: everything decided, nothing started."""
