"""The Docker world: engine, images, channels to nodes, faults."""
