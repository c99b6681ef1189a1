"""Looking back: replay, explanations, evidence, figures, and what outcomes teach. Nothing here decides an alert."""
