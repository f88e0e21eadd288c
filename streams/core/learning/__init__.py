"""What the filter learns of each camera: where things stand, how large they are, what was dismissed."""
