"""smart-turn (Daily): detects from the audio whether a turn is over. Optional."""
