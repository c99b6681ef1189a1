"""From bodies to believed readings."""
