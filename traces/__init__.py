"""What was recorded: the format of a run on disk, its writer and reader, and the recorded runs themselves."""
