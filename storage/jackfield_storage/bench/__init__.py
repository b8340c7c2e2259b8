"""`jackfield bench files`: how well files are found, how fast, and what that costs, beside a peer."""
