"""Requests into typed bodies: JSON, or a form whose files are pictures."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from corpora.errors import InputError

__all__ = ["accepts", "read_body"]

Body = TypeVar("Body", bound=BaseModel)

_JSON, _FORM = "application/json", "multipart/form-data"
_MOST_TEXT = 4 * 1024 * 1024
_NESTED = ("region", "history")


async def read_body(request: Request, model: type[Body]) -> tuple[Body, list[bytes]]:
    """The body as the model, and the pictures that were uploaded with it.

    In a form, lists are repeated fields, `region` and `history` are JSON, and every file `images` is a picture.

    Raises:
        HTTPException: 400 where the body is no JSON or form (NaN is no JSON), 415 where it claims to be neither.
        InputError: a field is unknown or wrong.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        async with request.form(max_files=32, max_fields=1000, max_part_size=_MOST_TEXT) as form:
            uploads = [await one.read() for one in form.getlist("images") if isinstance(one, UploadFile)]
            return _checked(model, _fields(form, model)), uploads
    if kind != _JSON and not kind.endswith("+json"):
        raise HTTPException(415, f"The body is of type {kind or 'none'}; send {_JSON} or {_FORM}.")
    return _checked(model, _json(await request.body())), []


def accepts(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """What the OpenAPI document says of a route whose body `read_body` reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    form = {name: value for name, value in example.items() if isinstance(value, str | int)}
    takes = "images" in model.model_fields
    files = {"images": {"type": "array", "items": {"type": "string", "format": "binary"}}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {"schema": schema, "example": example},
                _FORM: {
                    "schema": {**schema, "properties": {**schema["properties"], **files}} if takes else schema,
                    "example": form,
                },
            },
        }
    }


def _json(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is no valid JSON (NaN and Infinity are not either).") from None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _fields(form: FormData, model: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        field = model.model_fields.get(name)
        if len(values) < len(form.getlist(name)) and (name != "images" or field is None):
            raise InputError(f"The field {name} holds a file; {'only images may' if field else 'none may here'}.")
        if field is None or not values:
            found |= {name: values[-1]} if values else {}
        elif name in _NESTED:
            found[name] = _json(values[-1].encode())
        else:
            found[name] = values if "list" in str(field.annotation) else values[-1]
    return found


def _checked(model: type[Body], values: Any) -> Body:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False)
        where = ".".join(str(part) for part in first["loc"]) or "The body"
        more = f" (and {len(others)} more)" if others else ""
        raise InputError(f"{where}: {first['msg'].rstrip('.')}{more}.") from None
