"""The plate, the hint and the known answers of smoke_test.py.

    256 x 144, a disc of radius 40 in the middle of a flat green screen
    +--------------------------+
    | * screen                 |
    |          .----.          |
    |         ( * )* edge      |   (* are sampled)
    |          `----`          |
    +--------------------------+

The answers are what any working key gives on this plate; they hold no exact values of the weights.
"""

from typing import Any

_WIDTH, _HEIGHT, _RADIUS = 256, 144, 40
_SUBJECT, _SCREEN = (0.30, 0.28, 0.10), (0.05, 0.40, 0.10)
"""Linear colors. The subject's green is above the mean of red and blue, so despill changes it."""
_INSIDE = f"(x-{_WIDTH // 2})*(x-{_WIDTH // 2}) + (y-{_HEIGHT // 2})*(y-{_HEIGHT // 2})"
_DISC = f"{_INSIDE} < {_RADIUS * _RADIUS}"

_MIDDLE = [_WIDTH // 2 + 0.5, _HEIGHT // 2 + 0.5]
_CORNER = [16.5, 16.5]
_EDGE = [_WIDTH // 2 + _RADIUS + 0.5, _HEIGHT // 2 + 0.5]

_NOT_SEEN = {
    "detail": "the plate is smaller than the network's image",
    "highlights": "the plate has none",
    "despeckle": "the plate has no specks",
}
"""Knobs that change nothing on this plate, not even with another knob moved, and why."""

ALPHA, RED, GREEN = "rgba.alpha", "rgba.red", "rgba.green"
"""Channels that are sampled. Despill Mode changes red and not green."""


def description() -> dict[str, Any]:
    """Returns the part of kit.json that smoke_test.py reads."""
    plate = {
        f"expr{i}": f"{_DISC} ? {inside} : {outside}"
        for i, (inside, outside) in enumerate(zip(_SUBJECT, _SCREEN, strict=True))
    }
    return {
        "format": f"{_WIDTH} {_HEIGHT} 0 0 {_WIDTH} {_HEIGHT} 1 corridorkey_smoke_test",
        "plate": plate,
        "hint": {"expr3": f"{_DISC} ? 1 : 0"},
        "answers": [
            _answer("the screen is transparent", _CORNER, ALPHA, 0.0, 0.05),
            _answer("the screen is black", _CORNER, GREEN, 0.0, 0.05),
            _answer("the subject is opaque", _MIDDLE, ALPHA, 0.95, 1.0),
            _answer("the subject keeps its green", _MIDDLE, GREEN, 0.20, 0.36),
        ],
        "samples": [
            {"at": at, "channel": channel}
            for at in (_MIDDLE, _EDGE, _CORNER)
            for channel in (ALPHA, RED, GREEN)
        ],
        "smallest_change": 1e-5,
        "not_seen": _NOT_SEEN,
    }


def _answer(
    what: str, at: list[float], channel: str, minimum: float, maximum: float
) -> dict[str, Any]:
    return {"what": what, "at": at, "channel": channel, "minimum": minimum, "maximum": maximum}
