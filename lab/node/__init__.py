"""The first process of every container, and the announcer of the L4 nodes.

Runs inside the lab's containers on the standard library alone; imports nothing else
of `lab`. It sets the network up, starts the node's daemons, says on standard output
what it sees, and obeys commands from standard input, one JSON object a line each way.
"""
