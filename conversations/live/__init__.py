"""How news and running answers reach the open pages of this process, and the doorbell to the other processes."""
