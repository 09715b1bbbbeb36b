"""A place for every side: what only one kind of list finds is not crowded out by the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrievers.fusion.base import Fused, Ranked

__all__ = ["with_quotas"]

_HEARD = 0.5


def with_quotas(fused: Fused, lists: Sequence[Ranked], k: int, quota: int) -> Fused:
    """The fused list, in which the best `quota` records of each target side are among the first k.

    Sides are the pictures, the texts (joint space and sentences), and the words of records, of all domains together. A
    side whose lists weigh less than half of the heaviest list has no claim: beside a picture the question's words
    must not choose the cases. Records move up to the end of the first k, in their order; nothing else moves.

    >>> class One:
    ...     weight = share = 1.0
    ...     def __init__(self, name, records): self.name, self.records = name, records
    >>> lists = [One("d image→image", (1, 2, 3)), One("d words", (9,))]
    >>> [item for item, _ in with_quotas([(1, .9), (2, .8), (3, .7), (9, .6)], lists, 3, 1)]
    [1, 2, 9, 3]
    """
    heaviest = max((one.weight * one.share for one in lists), default=0.0)
    claims: dict[str, list[int]] = {}
    place = {record: number for number, (record, _) in enumerate(fused)}
    for one in lists:
        if one.weight > 0 and one.weight * one.share >= _HEARD * heaviest:
            side = one.name.rpartition(" ")[2].rpartition("→")[2]
            claims.setdefault(side, []).extend(record for record in one.records[:quota] if record in place)
    promised = {record for records in claims.values() for record in _first(records, place, quota)}
    late = sorted(place[record] for record in promised if place[record] >= k)
    if not late:
        return fused
    head = list(range(min(k, len(fused))))
    giving = [number for number in reversed(head) if fused[number][0] not in promised][: len(late)]
    moved = set(giving)
    order = [number for number in head if number not in moved] + late[: len(giving)]
    taken = set(order)
    order += [number for number in range(len(fused)) if number not in taken]
    return [fused[number] for number in order]


def _first(records: Sequence[int], place: Mapping[int, int], quota: int) -> list[int]:
    return sorted(dict.fromkeys(records), key=place.__getitem__)[:quota]
