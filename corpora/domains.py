"""The registry of domains: one TOML file a domain, those of this package and those a site adds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from corpora.errors import InputError, SourceError, UnknownNameError

__all__ = ["TEXTBOOK", "Domain", "DomainRegistry", "packaged_domains"]

TEXTBOOK = "textbook"


@dataclass(frozen=True, slots=True)
class Domain:
    """A field of medicine whose pictures and texts are indexed and searched together.

    `modalities` are the names used in records; `aliases` maps other spellings (lower case) to them;
    `role` completes "You are …" in prompts.
    """

    name: str
    title: str
    modalities: tuple[str, ...]
    role: str
    aliases: Mapping[str, str] = field(default_factory=dict)

    def modality(self, text: str) -> str:
        """The standard name of a modality, or the text itself where it is not known.

        >>> packaged_domains().get("radiology").modality("CXR")
        'chest radiograph'
        """
        folded = text.strip().casefold()
        for name in self.modalities:
            if name.casefold() == folded:
                return name
        if folded in self.aliases:
            return self.aliases[folded]
        outer = text.split("(", 1)[0]
        return self.modality(outer) if outer.strip() and outer != text else text.strip()


class DomainRegistry:
    """Domains by name. Reading is safe from any thread."""

    def __init__(self, domains: Mapping[str, Domain]) -> None:
        self._domains = dict(domains)

    def __iter__(self) -> Iterator[Domain]:
        return iter(self._domains.values())

    def __contains__(self, name: str) -> bool:
        return name in self._domains

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted(self._domains))

    def get(self, name: str) -> Domain:
        """The domain of that name; raises `UnknownNameError` with the known ones."""
        try:
            return self._domains[name]
        except KeyError:
            raise UnknownNameError("domain", name, self._domains) from None

    def with_folder(self, folder: Path) -> DomainRegistry:
        """This registry and the domains of `folder/*.toml`; a site's file replaces one of ours of its name."""
        found = dict(self._domains)
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            try:
                found[path.stem] = _parse(path.stem, path.read_text(encoding="utf-8"))
            except OSError as error:
                raise SourceError(f"The domain file {path} cannot be read: {error.strerror}.") from error
            except UnicodeDecodeError as error:
                raise InputError(f"The domain file {path} is not UTF-8 text.") from error
        return DomainRegistry(found)


@cache
def packaged_domains() -> DomainRegistry:
    """The domains that come with Curbside."""
    folder = resources.files("corpora").joinpath("domains")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return DomainRegistry(
        {entry.name[:-5]: _parse(entry.name[:-5], entry.read_text(encoding="utf-8")) for entry in files}
    )


def _parse(name: str, text: str) -> Domain:
    try:
        values = tomllib.loads(text)
        return Domain(
            name=name,
            title=values["title"],
            modalities=tuple(values["modalities"]),
            role=values["role"],
            aliases={alias.casefold(): modality for alias, modality in values.get("aliases", {}).items()},
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The domain file {name}.toml is wrong ({error}); it needs title, modalities, role."
        ) from error
