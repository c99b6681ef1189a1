"""Cases: what a person's signals amount to. Pure."""
