"""Remembering what people say of themselves, in the background, for those who switched it on."""
