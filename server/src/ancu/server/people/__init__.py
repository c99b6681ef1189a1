"""People: officers, wards, orders, devices."""
