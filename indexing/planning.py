"""What a build has to do: the shards that the catalogue calls for, each with a digest of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from corpora.catalog import Catalog, RecordKey
from corpora.home import Home
from indexing.describe import REVISION
from indexing.encoders.base import Encoder
from indexing.encoders.registry import EncoderPlan, open_encoder
from indexing.shards import FORMAT

__all__ = ["DomainEncoders", "Shard", "plan_digest", "plan_shards"]


@dataclass(frozen=True, slots=True)
class Shard:
    """Records of one domain that are embedded and written together; `digest` is over contents and encoders."""

    domain: str
    number: int
    keys: tuple[RecordKey, ...]
    digest: str


class DomainEncoders:
    """Opens the two encoders of a domain: the joint one of pictures and texts, and the one of sentences."""

    def __init__(self, home: Home, plan: EncoderPlan, device: str = "cpu") -> None:
        self._home, self._plan, self._device = home, plan, device

    def __call__(self, domain: str) -> tuple[Encoder, Encoder]:
        """(joint, sentence); each is opened once a process."""
        return (
            open_encoder(self._plan.joint_spec(domain), self._device, self._home.path, self._plan.licences),
            open_encoder(self._plan.sentence, self._device, self._home.path, self._plan.licences),
        )


def plan_shards(catalog: Catalog, encoders: DomainEncoders, size: int) -> Iterator[Shard]:
    """The shards of `size` records in the order of their numbers; one buffer of keys a domain is held in memory."""
    buffers: dict[str, list[RecordKey]] = {}
    numbers: dict[str, int] = {}

    def full(domain: str) -> Shard:
        keys = tuple(buffers.pop(domain))
        numbers[domain] = numbers.get(domain, -1) + 1
        digest = hashlib.sha256(f"{FORMAT} {REVISION} {domain}".encode())
        for encoder in encoders(domain):
            digest.update(encoder.fingerprint.encode())
        for key in keys:
            digest.update(f"{key.uid} {key.content_hash}\n".encode())
        return Shard(domain, numbers[domain], keys, digest.hexdigest())

    for key in catalog.keys():  # noqa: SIM118 (a method of the catalogue, not of a dictionary)
        buffers.setdefault(key.domain, []).append(key)
        if len(buffers[key.domain]) == size:
            yield full(key.domain)
    for domain in sorted(buffers):
        yield full(domain)


def plan_digest(shards: Iterable[str]) -> str:
    """One digest over those of all shards, in order; equal digests mean equal indexes."""
    return hashlib.sha256("".join(shards).encode()).hexdigest()
