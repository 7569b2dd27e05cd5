"""The command ``taskqueue``: worker processes, and a look at the queues."""
