"""What went wrong, as a status and one sentence; never a trace."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.service.bodies import first_problem
from corpora import errors

__all__ = ["add_error_handlers", "described", "status_of"]

# The nearest class of the tree decides. 409: the home, not the question, stands in the way; 503: try again later.
_STATUS = {
    errors.CurbsideError: 400,
    errors.InputError: 422,
    errors.QueryError: 400,
    errors.UnknownNameError: 404,
    errors.SourceError: 404,
    errors.DecodeError: 422,
    errors.IndexUnusableError: 409,
    errors.CalibrationError: 409,
    errors.HomeVersionError: 409,
    errors.SettingsError: 409,
    errors.LicenceError: 409,
    errors.MissingDependencyError: 409,
    errors.CatalogError: 503,
    errors.ModelError: 503,
}
_BUG = "Something went wrong that should not; the service's log says what."
_SHORT = {
    404: "There is nothing at this address; /docs lists what there is.",
    405: "This address takes another method; /docs says which.",
}


def status_of(error: errors.CurbsideError) -> int:
    """The HTTP status for an error.

    >>> status_of(errors.UnknownNameError("corpus", "x", ["y"])), status_of(errors.DeadEncoderError("…"))
    (404, 503)
    """
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def described(error: errors.CurbsideError) -> dict[str, str]:
    """The error as JSON: the name of its type and its sentence."""
    return {"error": type(error).__name__, "message": str(error)}


def add_error_handlers(app: FastAPI) -> None:
    """Have every error answered as `{"error": type, "message": sentence}`."""
    app.add_exception_handler(errors.CurbsideError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def _ours(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.CurbsideError):
        return _bug(request, error)
    return JSONResponse(described(error), status_of(error))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        return _bug(request, error)
    return JSONResponse({"error": "InputError", "message": first_problem(error.errors())}, 422)


def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _bug(request, error)
    own = error.detail if error.status_code in (400, 413, 415) else _SHORT.get(error.status_code, str(error.detail))
    return JSONResponse({"error": "HTTPError", "message": own}, error.status_code, dict(error.headers or {}))


def _bug(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "InternalError", "message": _BUG}, 500)
