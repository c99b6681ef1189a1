"""Pages, API and stream."""
