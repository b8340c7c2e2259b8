"""/v1/responses: conversations that are kept, as OpenAI has them."""
