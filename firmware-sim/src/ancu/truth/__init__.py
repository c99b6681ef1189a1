"""Truth: the real decision code in virtual time, against people whose behaviour is known."""
