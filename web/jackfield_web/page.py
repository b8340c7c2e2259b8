"""The page at `/`: what this is and where to go on. It loads nothing from anywhere."""

from __future__ import annotations

from litestar import MediaType, get

from jackfield.version import __version__
from jackfield_web.identity.rights import PUBLIC

PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Jackfield</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
  code {{ background: color-mix(in srgb, currentColor 10%, transparent); padding: .1em .3em; border-radius: .2em; }}
  :root {{ color-scheme: light dark; }}
</style>
<h1>Jackfield {__version__}</h1>
<p>This is a server that speaks the OpenAI API over models on this machine.
Point any OpenAI client at <code>/v1</code> of this address, with an API key of yours, or with any where nobody is
asked who they are.</p>
<ul>
  <li><a href="/v1/models">/v1/models</a>: the models that are installed</li>
  <li><a href="/api/models/loaded">/api/models/loaded</a>: the models that are in memory</li>
  <li><a href="/readyz">/readyz</a>: whether a request would be served now</li>
  <li><a href="/openapi.json">/openapi.json</a>: every address, as an OpenAPI document</li>
</ul>
</html>
"""


@get("/", media_type=MediaType.HTML, include_in_schema=False, opt=PUBLIC)
async def front_page() -> str:
    """What a browser finds at this address."""
    return PAGE
