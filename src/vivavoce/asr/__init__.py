"""What turns samples into words: audio, models, sessions, and the engine that serves them."""
