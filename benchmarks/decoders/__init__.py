"""What the benchmark `decoding` compares: photos, and ways from their bytes to a model's input."""
