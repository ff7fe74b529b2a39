"""Real-time transcription on your own machine."""
