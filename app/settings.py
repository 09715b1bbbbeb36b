"""Settings of an installation: where each value comes from, and what it may be.

From weak to strong: defaults, the profile (`app/profiles/*.toml`), the home's `curbside.toml`, environment variables
`CURBSIDE_…`, arguments.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from corpora.errors import SettingsError, SourceError, UnknownNameError
from corpora.home import SETTINGS_FILE

__all__ = ["Settings", "load_settings", "profile_names"]

_PREFIX = "CURBSIDE_"
_ENCODERS = ("encoder", "encoders", "sentence_encoder")


class Settings(BaseSettings):
    """Every setting, with its default."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    profile: str = Field("embedded", description="named set of settings")
    catalog_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the home")
    index: str = Field("default", description="which index answers")
    vector_index: Literal["auto", "exact", "flat", "hnsw", "ivf"] = Field("auto", description="kind of vector index")
    encoder: str = Field("embedded:{domain}", description="encoder of pictures and texts; {domain} is replaced")
    encoders: dict[str, str] = Field(default_factory=dict, description="encoders of single domains, by name")
    sentence_encoder: str = Field("embedded:sentence", description="encoder that compares text with text")
    licences: Literal["any", "open"] = Field(
        "any",
        description="which licence classes of encoder weights may be used; "
        "open refuses non-commercial and unclear ones",
    )
    generator: str = Field("evidence", description="what answers: evidence, vlm:…, server:…")
    selection: str = Field(
        "auto",
        description="how the context is chosen: auto (what won in calibrate, else fixed), fixed, gap, ratio, mass, "
        "risk",
    )
    fusion: str = Field(
        "auto",
        description="how lists are fused: auto (what won in calibrate, else ranks), reciprocal-rank, standardised, "
        "learned",
    )
    rerank: tuple[str, ...] = Field(
        (), description="what orders the hits anew, one after the other: mmr, mmr:0.5, cross-encoder:<model>, vlm"
    )
    context: Annotated[int, Field(ge=1, le=12)] = Field(8, description="most records an answer is made from")
    device: str = Field("cpu", description="where encoders and GPU indexes run: cpu, cuda, cuda:1")
    threads: Annotated[int, Field(ge=0)] = Field(0, description="threads of one process; 0: as many as there are cores")
    offline: bool = Field(True, description="never ask a hub")
    host: str = Field("127.0.0.1", description="address that the chat binds")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(7860, description="port of the chat; 0: any free one")

    @field_validator("rerank", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """One text names several, with commas between: an environment variable holds no list."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` merged: it knows the source of each value."""
        return (init_settings,)


def profile_names() -> list[str]:
    """The packaged profiles."""
    folder = resources.files("app").joinpath("profiles")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_settings(
    home: Path | None = None, arguments: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """The settings of a home, and for each the name of its source.

    Args:
        home: Its `curbside.toml` is read where there is one.
        arguments: The strongest layer; values of None say nothing.
        environment: `os.environ` where None.

    Raises:
        SettingsError: an unknown setting, a wrong value, a domain or an embedded encoder that is not there, or a file
            that is no TOML; names the source.
    """
    said = {name: value for name, value in (arguments or {}).items() if value is not None}
    variables = os.environ if environment is None else environment
    strong = [
        (str(home / SETTINGS_FILE) if home else "", _file(home)),
        ("environment", _environment(variables)),
        ("argument", said),
    ]
    profile = next((layer["profile"] for _, layer in reversed(strong) if "profile" in layer), "embedded")
    merged: dict[str, Any] = {}
    sources = dict.fromkeys(Settings.model_fields, "default")
    for source, layer in [(f"profile {profile}", _profile(str(profile))), *strong]:
        for name, value in layer.items():
            if name not in Settings.model_fields:
                known = ", ".join(sorted(Settings.model_fields))
                raise SettingsError(f"There is no setting {name!r} ({source}); known: {known}.")
            merged[name], sources[name] = value, source
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(f"The setting {name} from {sources[name]} is wrong: {first['msg']}.") from error
    if home is not None:
        _require_names(settings, sources, home)
    return settings, sources


def _require_names(settings: Settings, sources: Mapping[str, str], home: Path) -> None:
    """Domains and embedded encoders that the settings name must be there: what is misspelt would serve nothing, or be
    served by the general head."""
    if {sources[name] for name in _ENCODERS} <= {"default", f"profile {settings.profile}"}:
        return
    from corpora.domains import packaged_domains
    from indexing.encoders.registry import require_named

    domains = packaged_domains().with_folder(home / "domains")
    specs = {"encoder": [settings.encoder], "sentence_encoder": [settings.sentence_encoder]}
    specs["encoders"] = list(settings.encoders.values())
    for name in _ENCODERS:
        try:
            for domain in settings.encoders if name == "encoders" else ():
                domains.get(domain)
            for spec in specs[name]:
                require_named(spec, domains.names)
        except UnknownNameError as error:
            raise SettingsError(f"The setting {name} from {sources[name]} is wrong. {error}") from error


def _profile(name: str) -> dict[str, Any]:
    if name not in profile_names():
        raise UnknownNameError("profile", name, profile_names())
    text = resources.files("app").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _file(home: Path | None) -> dict[str, Any]:
    path = home / SETTINGS_FILE if home else None
    if path is None or not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error


def _environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """`CURBSIDE_PORT` → port; variables of that prefix which name no setting belong to somebody else."""
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = variables.get(_PREFIX + name.upper())
        if value is not None and name != "encoders":
            found[name] = value
    return found
