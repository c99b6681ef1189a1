"""The CBOR (RFC 8949) that SMP needs: maps, arrays, text, bytes, integers, booleans and null. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["dump", "load"]

_MOST = 4096  # items in one body: whoever claims more has sent nonsense
_DEEP = 8


def dump(value: Any) -> bytes:  # noqa: PLR0911 - one case a kind
    """Encode; raises TypeError for what SMP does not use."""
    match value:
        case bool():
            return b"\xf5" if value else b"\xf4"
        case None:
            return b"\xf6"
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            raw = value.encode()
            return _head(3, len(raw)) + raw
        case list() | tuple():
            return _head(4, len(value)) + b"".join(map(dump, value))
        case dict():
            return _head(5, len(value)) + b"".join(dump(key) + dump(item) for key, item in value.items())
    raise TypeError(f"no CBOR for {type(value).__name__}")


def load(raw: bytes) -> Any:
    """Decode exactly one item; raises ValueError."""
    try:
        value, end = _load(raw, 0, _DEEP)
    except (IndexError, UnicodeDecodeError, TypeError) as error:
        raise ValueError("not CBOR") from error
    if end != len(raw):
        raise ValueError("more than one item")
    return value


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes((major << 5 | code,)) + value.to_bytes(size, "big")
    raise TypeError("too large a number")


def _load(raw: bytes, at: int, depth: int) -> tuple[Any, int]:  # noqa: C901, PLR0911 - one case a kind
    major, code = raw[at] >> 5, raw[at] & 31
    at += 1
    if depth == 0:
        raise ValueError("too deep")
    if major == 7:
        return {20: False, 21: True, 22: None}[code] if code in (20, 21, 22) else _none(), at
    if code < 24:
        value = code
    elif code < 28:
        size = 1 << code - 24
        if at + size > len(raw):
            raise ValueError("cut short")
        value, at = int.from_bytes(raw[at : at + size], "big"), at + size
    else:
        return _none(), at
    match major:
        case 0:
            return value, at
        case 1:
            return -1 - value, at
        case 2 | 3:
            if at + value > len(raw):
                raise ValueError("cut short")
            octets = raw[at : at + value]
            return (octets if major == 2 else octets.decode()), at + value
        case 4 | 5 if value <= _MOST:
            items = []
            for _ in range(value * (major - 3)):
                item, at = _load(raw, at, depth - 1)
                items.append(item)
            return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), at
    return _none(), at


def _none() -> Any:
    raise ValueError("a kind that SMP does not use")
