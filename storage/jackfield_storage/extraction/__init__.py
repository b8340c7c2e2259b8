"""Gets the text out of files: what is text as it stands, web pages and documents in a process of their own."""
