"""What bands recorded themselves: verified, dated, kept; their clocks; and the challenges they answer."""
