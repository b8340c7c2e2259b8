"""The web room: a Litestar app that speaks the OpenAI API over a workbench, and the door that serves it."""
