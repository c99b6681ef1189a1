"""What all parts share: what is said, how it is spelled, and how it is kept secret."""
