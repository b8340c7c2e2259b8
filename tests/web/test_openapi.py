"""The OpenAPI document, and the page at `/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PATHS = {
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/v1/responses/{response_id}",
    "/v1/responses/{response_id}/cancel",
    "/v1/files",
    "/v1/files/{file_id}",
    "/v1/files/{file_id}/content",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{name}",
    "/api/models/loaded",
    "/api/runs",
    "/api/runs/{run_id}",
    "/api/runs/{run_id}/approve",
    "/api/runs/{run_id}/deny",
    "/api/runs/{run_id}/resume",
    "/api/runs/{run_id}/events",
    "/api/runs/{run_id}/cancel",
    "/api/tools",
    "/api/audit",
    "/api/budgets",
    "/api/budgets/{kind}/{holder_id}/{period}",
    "/api/files/collections",
    "/api/files/collections/{collection}",
    "/api/files/collections/{collection}/changes",
    "/api/files/collections/{collection}/content",
    "/api/files/collections/{collection}/difference",
    "/api/files/collections/{collection}/file",
    "/api/files/collections/{collection}/files",
    "/api/files/collections/{collection}/grants",
    "/api/files/collections/{collection}/history",
    "/api/files/collections/{collection}/index/retry",
    "/api/files/collections/{collection}/links",
    "/api/files/collections/{collection}/links/{link_id}",
    "/api/files/collections/{collection}/lock",
    "/api/files/collections/{collection}/purge",
    "/api/files/collections/{collection}/quota",
    "/api/files/collections/{collection}/rename",
    "/api/files/collections/{collection}/rollback",
    "/api/files/collections/{collection}/text",
    "/api/files/collections/{collection}/undelete",
    "/api/files/collections/{collection}/undo",
    "/api/files/index",
    "/api/files/search",
    *("/api/files/group", "/api/files/join", "/api/files/summarise", "/api/files/compare", "/api/files/do"),
    "/api/files/verify",
    "/api/usage",
    "/api/invitations",
    "/api/invitations/accept",
    "/api/invitations/{invitation_id}",
    "/api/keys",
    "/api/keys/{key_id}",
    "/api/oidc/callback",
    "/api/oidc/start",
    "/api/session",
    "/api/session/password",
    "/api/setup",
    "/api/teams",
    "/api/teams/{team_id}",
    "/api/users",
    "/api/users/{user_id}",
    "/api/users/{user_id}/password",
    "/api/users/{user_id}/sessions",
    "/api/memory",
    "/api/memory/recall",
    "/api/memory/{memory_id}",
    "/api/memory/{memory_id}/versions",
    "/shared/{token}",
    "/shared/{token}/{below}",
    "/healthz",
    "/readyz",
    "/metrics",
}


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


async def test_every_address_is_documented(served: Any) -> None:
    document = (await served.client.get("/openapi.json")).json()
    tags = {tag["name"] for tag in document["tags"]}
    assert set(document["paths"]) == PATHS
    assert document["info"]["title"] == "Jackfield"
    for operation in operations(document):
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"])


async def test_errors_are_documented_in_the_shape_they_have(served: Any) -> None:
    document = (await served.client.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        shape = "MessageError" if path.startswith("/v1/messages") else "ErrorBody"
        for status, response in [each for one in methods.values() for each in one["responses"].items()]:
            if int(status) >= 400:
                (content,) = response["content"].values()
                assert content["schema"] == {"$ref": f"#/components/schemas/{shape}"}
                assert response["description"]


async def test_what_is_in_messages_responses_and_files_is_typed(served: Any) -> None:
    document = (await served.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert set(schemas["MessageRequest"]["required"]) == {"model", "messages", "max_tokens"}
    assert schemas["ToolUseBlock"]["properties"]["type"] == {"type": "string", "const": "tool_use"}
    assert set(schemas["ResponseRequest"]["required"]) == {"model", "input"}
    assert schemas["OutputCall"]["properties"]["type"] == {"type": "string", "const": "function_call"}
    form = document["paths"]["/v1/files"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["required"]) == {"file", "purpose"}
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses"):
        answers = document["paths"][path]["post"]["responses"]["200"]["content"]
        assert set(answers) == {"application/json", "text/event-stream"}


async def test_every_parameter_of_a_chat_is_documented(served: Any) -> None:
    document = (await served.client.get("/openapi.json")).json()
    chat = document["components"]["schemas"]["ChatRequest"]
    assert set(chat["required"]) == {"model", "messages"}
    assert chat["properties"]["n"]["maximum"] == 8
    assert "not kept" in chat["properties"]["metadata"]["description"]
    assert "record" in chat["properties"]["store"]["description"]


async def test_what_is_said_of_tools_is_typed(served: Any) -> None:
    schemas = (await served.client.get("/openapi.json")).json()["components"]["schemas"]
    chat = schemas["ChatRequest"]["properties"]
    assert {"$ref": "#/components/schemas/FunctionTool"} in [option.get("items") for option in chat["tools"]["oneOf"]]
    assert set(schemas["FunctionTool"]["required"]) == {"type", "function"}
    assert schemas["FunctionDescription"]["required"] == ["name"]
    assert {"type": "string", "enum": ["none", "auto", "required"]} in chat["tool_choice"]["oneOf"]
    assert schemas["ToolCall"]["properties"]["type"] == {"type": "string", "const": "function", "default": "function"}


async def test_a_decision_may_be_left_out_and_a_list_be_narrowed(served: Any) -> None:
    paths = (await served.client.get("/openapi.json")).json()["paths"]
    (state,) = [each for each in paths["/api/runs"]["get"]["parameters"] if each["name"] == "state"]
    assert not paths["/api/runs/{run_id}/approve"]["post"]["requestBody"]["required"]
    assert paths["/api/runs"]["post"]["requestBody"]["required"]
    assert "paused" in str(state["schema"])
    assert not state["required"]


async def test_the_front_page_loads_nothing_from_elsewhere(served: Any) -> None:
    response = await served.client.get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in response.text
    assert "//" not in response.text.replace("<!doctype html>", "")
