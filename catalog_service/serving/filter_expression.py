"""The filter of every List call: `field op value`, joined by AND. A subset of AIP-160. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Generic, Literal, TypeVar

from catalog_service.errors import InvalidRequest, Violation
from catalog_service.serving.wildcards import matcher

T = TypeVar("T")

Kind = Literal["text", "number", "boolean", "texts", "time"]
"""What a field holds; `texts` is a list of texts, of which any may match."""

Value = str | int | float | bool | datetime | Sequence[str] | None

MAX_FILTER_CHARS = 1024
MAX_FILTER_TERMS = 32

OPERATORS: dict[Kind, tuple[str, ...]] = {
    "text": ("=", "!=", "<", "<=", ">", ">=", ":"),
    "number": ("=", "!=", "<", "<=", ">", ">="),
    "time": ("=", "!=", "<", "<=", ">", ">="),
    "boolean": ("=", "!="),
    "texts": ("=", "!=", ":"),
}

_TERM = re.compile(
    r"(?P<field>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_./-]+)?)\s*(?P<op>!=|<=|>=|=|<|>|:)\s*"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))'
)
_AND = re.compile(r"\s+AND\s+")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Generic[T]):
    """A field that callers may filter and order by."""

    name: str
    get: Callable[[T], Value]
    kind: Kind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One condition, checked: its field is known, and knows the operator and the value's kind."""

    field: str
    operator: str
    value: Value
    """As the field's kind has it; with `:` and for texts the text that was written."""


def parse_filter(text: str, fields: Mapping[str, Field[T]]) -> Callable[[T], bool]:
    """Return the question that a filter asks of an item; the empty filter accepts all.

    Raises:
        InvalidRequest: reason FILTER_INVALID; the message lists what is known.
    """
    kinds = {name: field.kind for name, field in fields.items()}
    terms = [_test(term, fields[term.field]) for term in parse_terms(text, kinds)]
    return lambda item: all(term(item) for term in terms)


def parse_terms(text: str, kinds: Mapping[str, Kind]) -> list[Term]:
    """Return the conditions of a filter, all of which must hold; for who asks a database.

    Args:
        kinds: of each field; of all fields `labels.<any name>` under the name `labels.*`.

    Raises:
        InvalidRequest: reason FILTER_INVALID; the message lists what is known.
    """
    if len(text) > MAX_FILTER_CHARS:
        raise _bad(f"longer than {MAX_FILTER_CHARS} characters")
    terms = [_checked(term, kinds) for term in _terms(text.strip())]
    if len(terms) > MAX_FILTER_TERMS:
        raise _bad(f"more than {MAX_FILTER_TERMS} terms")
    return terms


def _terms(text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    position = 0
    while position < len(text):
        if found:
            joint = _AND.match(text, position)
            if joint is None:
                raise _bad(f"expected AND at {text[position : position + 40]!r}")
            position = joint.end()
        term = _TERM.match(text, position)
        if term is None:
            raise _bad(f"expected `field op value` at {text[position : position + 40]!r}")
        found.append(term)
        position = term.end()
    return found


def _checked(term: re.Match[str], kinds: Mapping[str, Kind]) -> Term:
    name, operator = term["field"], term["op"]
    family, _, member = name.partition(".")
    kind = kinds.get(name) or (kinds.get(f"{family}.*") if member else None)
    if kind is None:
        raise _bad(f"no field {name[:100]!r}; fields are {', '.join(kinds)}")
    if operator not in OPERATORS[kind]:
        known = " ".join(OPERATORS[kind])
        raise _bad(f"{name} knows no operator {operator}; its operators are {known}")
    quoted = term["quoted"]
    text = term["bare"] if quoted is None else _ESCAPE.sub(r"\1", quoted)
    is_text = operator == ":" or kind == "texts"
    value = text if is_text else _LITERALS[kind](name, text)
    return Term(field=name, operator=operator, value=value)


def _test(term: Term, field: Field[T]) -> Callable[[T], bool]:
    get, operator, literal = field.get, term.operator, term.value
    if field.kind == "texts":
        assert isinstance(literal, str)
        is_match = matcher(literal) if operator == ":" else literal.__eq__
        wanted = operator != "!="
        return lambda item: any(is_match(value) for value in _texts(get(item))) is wanted
    if operator == ":":
        assert isinstance(literal, str)
        is_like = matcher(literal)
        return lambda item: isinstance(value := get(item), str) and is_like(value)
    compare = _COMPARE[operator]
    return lambda item: compare(get(item), literal)


def _texts(value: Value) -> Sequence[str]:
    assert isinstance(value, list | tuple)
    return value


def _number(name: str, text: str) -> Value:
    try:
        number = int(text) if text.lstrip("+-").isdecimal() else float(text)
        is_number = isfinite(number)
    except (ValueError, OverflowError):  # also a whole number beyond every double
        is_number = False
    if not is_number:
        raise _bad(f"{name} is a number, not {text[:100]!r}")
    return number


def _boolean(name: str, text: str) -> Value:
    if text not in ("true", "false"):
        raise _bad(f"{name} is true or false, not {text[:100]!r}")
    return text == "true"


def _time(name: str, text: str) -> Value:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise _bad(f"{name} is a time such as 2026-01-31T12:00:00Z, not {text[:100]!r}")
    return time


def _bad(description: str) -> InvalidRequest:
    return InvalidRequest(
        f"filter: {description}",
        reason="FILTER_INVALID",
        violations=[Violation(field="filter", description=description)],
    )


_LITERALS: dict[Kind, Callable[[str, str], Value]] = {
    "text": lambda _, text: text,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
}

_COMPARE: dict[str, Callable[..., bool]] = {
    "=": lambda value, literal: value == literal,
    "!=": lambda value, literal: value != literal,
    "<": lambda value, literal: value is not None and value < literal,
    "<=": lambda value, literal: value is not None and value <= literal,
    ">": lambda value, literal: value is not None and value > literal,
    ">=": lambda value, literal: value is not None and value >= literal,
}
"""A field without a value equals nothing and is neither more nor less than anything."""
