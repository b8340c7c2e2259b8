"""Python that a model wrote, run where it can harm nothing."""
