"""The sides that benchmark `serving` compares, a process each."""
