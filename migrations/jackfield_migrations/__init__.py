"""The migrations room: brings a database's tables to the revision that the storage room's code expects."""
