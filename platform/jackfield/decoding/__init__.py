"""The decode loop: one thread owns one token engine, and many requests share each of its batches."""
