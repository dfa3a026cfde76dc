"""One family a file; importing this enters all of them in `CARDS`."""
