"""What the benchmark `index` compares: the gallery's search path, hnswlib and usearch, each in a process of its own."""
