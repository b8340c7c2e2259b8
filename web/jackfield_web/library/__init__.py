"""/api/files and /shared: semantic files, for whoever may see them and for those who were given a link."""
