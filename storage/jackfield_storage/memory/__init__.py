"""What is remembered across conversations, in the database."""
