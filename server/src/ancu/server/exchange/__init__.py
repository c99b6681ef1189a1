"""What citizens and the office say to each other: rows, reminders and check-ins."""
