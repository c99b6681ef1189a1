"""The relay of a ward or a site."""
