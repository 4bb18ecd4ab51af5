"""The interview: session and clock, the interviewer's ear and mouth, the screens and the command line."""
