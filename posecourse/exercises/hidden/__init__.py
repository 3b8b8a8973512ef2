"""What a grade asks beyond what students see; their packages lack this folder."""
