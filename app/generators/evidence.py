"""The generator without a model: answers are composed of what the evidence says.

Closed questions are put to the vote of the nearest cases, weighted by similarity; open ones about a picture take the
heaviest label, side, severity or modality; others quote the sentences nearest to the question. Each sentence carries
the numbers it rests on. It never says more than its evidence, and abstains where that is silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.answers import Evidence
from app.asking import Asked, parse_question
from app.citations import cited_numbers
from app.generators.base import Capabilities, Piece, Prompt
from app.voting import Ballot, Choice, choose, vote, voters
from corpora.language import packaged_lexicon, sentences
from corpora.reading import what_it_says

__all__ = ["EvidenceGenerator"]

_LEAST_SPOKEN = 0.15
_CLEAR = 0.6
_LEAST_TEXT = 0.35
_SHOWN_ALIKE = 3
_DETAILS = frozenset({"normal", "abnormal", "benign", "malignant"})
_PLAIN: Mapping[str, str] = {}
_EYES = {"left": "the left eye", "right": "the right eye"}
_SHOWN = {"normal": "a normal picture"}
_PLACES = {"left": "on the left", "right": "on the right", "bilateral": "on both sides"}


@dataclass(frozen=True, slots=True)
class _Draft:
    verdict: str
    confidence: float
    sentences: tuple[str, ...]
    stances: dict[int, str]


class EvidenceGenerator:
    """Composes answers from the evidence. Stateless; safe from several threads."""

    spec = "evidence"
    revision = "1"
    capabilities = Capabilities(images=False, yes_no=True, max_tokens=400)

    def stream(self, prompt: Prompt) -> Iterator[Piece]:
        """The answer, a sentence at a time; verdict, confidence and stances come with the last piece."""
        draft = _draft(prompt)
        for number, sentence in enumerate(draft.sentences):
            text = sentence if number == 0 else f" {sentence}"
            if number + 1 < len(draft.sentences):
                yield Piece(text)
            else:
                yield Piece(text, draft.verdict, round(draft.confidence, 4), draft.stances)


def _draft(prompt: Prompt) -> _Draft:
    asked = parse_question(prompt.question, bool(prompt.images))
    if prompt.images and asked.attribute == "likeness":
        return _alike(prompt)
    if prompt.images and asked.attribute != "explanation":
        electorate = voters(prompt.evidence, with_pictures=True)
        if not electorate:
            return _abstain("No case of this home is near to the picture.", prompt)
        return (_closed if asked.attribute == "presence" else _open)(asked, prompt, electorate)
    explained = _explain(asked, prompt)
    if explained is not None:
        return explained
    return _abstain("Nothing in this home is close enough to the question to answer from.", prompt)


def _alike(prompt: Prompt) -> _Draft:
    """Cases like the picture with what must differ: shown, not put to the vote, for they were chosen by it."""
    cases = [item for item in prompt.evidence if item.record.kind == "case"]
    if not cases:
        return _abstain("No case of this home is near to the picture.", prompt)
    count = "One case comes" if len(cases) == 1 else f"{len(cases)} cases come"
    said = [f"{count} nearest to what was asked for {_numbers(cases)}."]
    said += [
        f"“{item.hit.sentence.strip()}” [{item.number}]." for item in cases[:_SHOWN_ALIKE] if item.hit.sentence.strip()
    ]
    return _Draft("free", 0.5, tuple(said), {})


def _closed(asked: Asked, prompt: Prompt, electorate: Sequence[tuple[Evidence, float]]) -> _Draft:
    ballots = {finding: vote(finding, electorate, asked.side, asked.severity) for finding in asked.findings}
    spoken = {finding: ballot for finding, ballot in ballots.items() if ballot and ballot.spoken >= _LEAST_SPOKEN}
    if not spoken:
        cases = f"{len(electorate)} cases" if len(electorate) > 1 else "one case"
        return _abstain(f"The {cases} nearest to the picture do not speak of {asked.findings[-1]}.", prompt)
    finding = _asked_for(asked, spoken)
    ballot = spoken[finding]
    stances = {item.number: "supports" for item, _ in ballot.affirming}
    stances |= {item.number: "refutes" for item, _ in ballot.denying}
    verdict = "yes" if ballot.yes >= _CLEAR else "no" if ballot.yes <= 1 - _CLEAR else "uncertain"
    named = " ".join(word for word in (asked.severity, asked.side, finding) if word)
    said = [_verdict_sentence(verdict, named, ballot), *_reasons(verdict, ballot)]
    said.extend(_background(prompt, finding))
    return _Draft(verdict, ballot.confidence, tuple(said), stances)


def _asked_for(asked: Asked, spoken: Mapping[str, Ballot]) -> str:
    """Which of several findings decides: the likelier of "a or b", the less likely of "a and b", else the main one."""
    if asked.joined == "or":
        return max(spoken, key=lambda name: spoken[name].yes)
    if asked.joined == "and":
        return min(spoken, key=lambda name: spoken[name].yes)
    return next(iter(spoken)) if asked.leads else list(spoken)[-1]


def _verdict_sentence(verdict: str, named: str, ballot: Ballot) -> str:
    """Worded so that the sentence asserts of the finding what the cases that it cites assert."""
    yes, no = ([item for item, _ in group] for group in (ballot.affirming, ballot.denying))
    spoken = len(yes) + len(no)
    if verdict == "yes":
        return f"Yes: {named} in {_of(len(yes), spoken)} {_numbers(yes)}."
    if verdict == "no":
        return f"No: {'not' if named in _DETAILS else 'no'} {named} in {_of(len(no), spoken)} {_numbers(no)}."
    if not no:
        return f"Uncertain: possible {named} in {_of(len(yes), spoken)} {_numbers(yes)}."
    return f"Uncertain: {named} in {_of(len(yes), spoken)} {_numbers(yes)}, not in the rest {_numbers(no)}."


def _of(count: int, spoken: int) -> str:
    if spoken == 1:
        return "the one near case that speaks of it"
    return f"{count} of the {spoken} nearest cases that speak of it"


def _reasons(verdict: str, ballot: Ballot) -> Iterator[str]:
    """What the nearest case of the majority says, then the nearest of the other opinion."""
    majority, minority = (ballot.denying, ballot.affirming) if verdict == "no" else (ballot.affirming, ballot.denying)
    for group, opening in ((majority, "The nearest of them reads"), (minority, "A near case says otherwise")):
        if group:
            item, said = group[0]
            yield f"{opening}: “{said.sentence or _labels(item)}” [{item.number}]."


def _open(asked: Asked, prompt: Prompt, electorate: Sequence[tuple[Evidence, float]]) -> _Draft:
    if asked.attribute == "modality":
        choices = choose(lambda item: [item.record.modality] if item.record.modality else [], electorate)
        return _confirmed(asked, "modalities", "The modality is most likely", choices, prompt)
    if asked.attribute == "eye":
        choices = choose(lambda item: _attribute(item, "laterality", "eye", "side"), electorate)
        return _confirmed(asked, "sides", "It is most likely", choices, prompt, _EYES)
    if asked.attribute in ("side", "severity"):
        return _chosen("Most likely", _details(asked, electorate), prompt, _PLACES)
    labels = choose(lambda item: _main_labels(item, asked.findings), electorate)
    return _chosen("The nearest cases show", labels, prompt, _SHOWN)


def _confirmed(
    asked: Asked, kind: str, opening: str, choices: Sequence[Choice], prompt: Prompt, words: Mapping[str, str] = _PLAIN
) -> _Draft:
    """The choice, and where the question named one ("Is this a CT?") whether it is that one."""
    wanted = packaged_lexicon().first(asked.text, kind) if asked.closed else ""
    if not choices or not wanted:
        return _chosen(opening, choices, prompt, words)
    verdict = "yes" if f" {choices[0].value}".endswith(f" {wanted}") else "no"
    opening = f"{verdict.capitalize()}: {opening[0].lower()}{opening[1:]}"
    return replace(_chosen(opening, choices, prompt, words), verdict=verdict)


def _details(asked: Asked, electorate: Sequence[tuple[Evidence, float]]) -> list[Choice]:
    """Sides or severities that affirming cases give, of the asked finding or of whatever each case shows first."""

    def value(item: Evidence) -> list[str]:
        shown = (label for label in item.record.labels if label not in _DETAILS)
        wanted = asked.findings[0] if asked.findings else next(shown, "")
        said = what_it_says(item.record, wanted) if wanted else None
        if said is None or said.polarity != "affirmed":
            return []
        told = said.side if asked.attribute == "side" else said.severity
        names = ("side", "laterality") if asked.attribute == "side" else ("severity", "size")
        return [told] if told else _attribute(item, *names)

    return choose(value, electorate)


def _main_labels(item: Evidence, among: Sequence[str]) -> list[str]:
    """What a case is about: the labels asked for, else those that its diagnosis or title names, else all of them."""
    labels = item.record.labels
    if among:
        return [label for label in labels if label in among]
    head = f"{' '.join(_attribute(item, 'diagnosis'))} {item.record.title}".casefold()
    named = [label for label in labels if label in head and label not in _DETAILS]
    return named or [label for label in labels if label not in _DETAILS] or list(labels)


def _attribute(item: Evidence, *names: str) -> list[str]:
    return [str(item.record.attributes[name]) for name in names if item.record.attributes.get(name)][:1]


def _chosen(opening: str, choices: Sequence[Choice], prompt: Prompt, words: Mapping[str, str] = _PLAIN) -> _Draft:
    """The heaviest choice and its runners-up; `words` says how a value reads in a sentence."""
    if not choices:
        return _abstain("The cases nearest to the picture do not say.", prompt)
    best = choices[0]
    said = [f"{opening} {words.get(best.value, best.value)} {_numbers(best.evidence)}."]
    rest = [choice for choice in choices[1:4] if choice.share >= 0.12]
    if rest:
        others = (f"{words.get(choice.value, choice.value)} {_numbers(choice.evidence)}" for choice in rest)
        said.append(f"With less weight: {', '.join(others)}.")
    nearest = best.evidence[0]
    quoted = _quoted(nearest, best.value)
    if quoted:
        said.append(f"The nearest of these cases reads: “{quoted}” [{nearest.number}].")
    said.extend(_background(prompt, best.value))
    return _Draft("free", min(0.99, best.share), tuple(said), {item.number: "supports" for item in best.evidence})


def _quoted(item: Evidence, value: str) -> str:
    """The sentence of the record that names the value, else what it shows first."""
    said = sentences(item.record.findings or item.record.report or item.record.caption)
    return next((sentence for sentence in said if value.casefold() in sentence.casefold()), said[0] if said else "")


def _background(prompt: Prompt, finding: str) -> Iterator[str]:
    """One sentence of a textbook that speaks of the finding, and says more than its name."""
    for item in prompt.evidence:
        if item.record.kind == "case":
            continue
        for sentence in sentences("\n".join((*item.record.mentions, item.record.caption, item.record.report))):
            if finding.casefold() in sentence.casefold() and len(finding) + 12 < len(sentence) < 320:
                yield f"From the textbook: “{sentence}” [{item.number}]."
                return


def _explain(asked: Asked, prompt: Prompt) -> _Draft | None:
    """What textbooks say nearest to the question, then a case for example; None where nothing is near."""
    near = [(item, item.hit.similarity("text→text") or 0.0) for item in prompt.evidence]
    near = sorted(((item, value) for item, value in near if value >= _LEAST_TEXT), key=lambda pair: -pair[1])
    books = [item for item, _ in near if item.record.kind != "case"][:3]
    cases = [item for item, _ in near if item.record.kind == "case"][: 1 if books else 3]
    told = {item.number: text for item in books if (text := _passage(item, asked.findings))}
    said = [f"{text[0].upper()}{text[1:].rstrip('.;, ')} [{number}]." for number, text in _once(told).items()]
    quotes = ((item, _quoted(item, asked.findings[0]) if asked.findings else item.hit.sentence) for item in cases)
    said += [f"A case reads: “{quote}” [{item.number}]." for item, quote in quotes if quote]
    if not said:
        return None
    stances = dict.fromkeys(cited_numbers(" ".join(said)), "supports")
    return _Draft("free", min(0.95, near[0][1]), tuple(said), stances)


def _once(told: Mapping[int, str]) -> dict[int, str]:
    """Each text under the lowest number that gives it, and none that another one holds as well."""
    first = {text: number for number, text in sorted(told.items(), reverse=True)}
    return {
        number: text
        for number, text in told.items()
        if first[text] == number and not any(text in other and text != other for other in first)
    }


def _passage(item: Evidence, findings: Sequence[str]) -> str:
    """What a textbook record says: where a figure is explained, else the sentence that matched and the next one."""
    if item.record.kind == "figure":
        for sentence in sentences("\n".join(item.record.mentions)):
            if any(term.name in findings for term in packaged_lexicon().find(sentence, "findings")):
                return sentence
    said = sentences(item.record.text)
    if item.record.kind == "passage" and item.hit.sentence in said:
        place = said.index(item.hit.sentence)
        return " ".join(said[place : place + 2])
    return item.hit.sentence


def _abstain(reason: str, prompt: Prompt) -> _Draft:
    near = [item.hit.similarity("→image") or item.hit.similarity("→text") for item in prompt.evidence]
    known = [value for value in near if value is not None]
    nearest = [f"The nearest similarity is {max(known):.2f}."] if known else []
    help_ = "A clearer picture, another wording, or a corpus that holds such cases would help."
    return _Draft("abstained", 0.0, (reason, *nearest, help_), {})


def _numbers(items: Sequence[Evidence]) -> str:
    return " ".join(f"[{item.number}]" for item in items)


def _labels(item: Evidence) -> str:
    return ", ".join(item.record.labels) or item.record.title
