"""One run for all who ask the same at the same time."""

from __future__ import annotations

from typing import Any, Protocol


class Follower(Protocol):
    """A request that waits for the run of another."""

    done: bool

    def share(self, outcome: Any) -> None:
        """The run ended with this result or error."""

    def take_off(self) -> None:
        """There is no such run any more: lead one, or follow who does."""


class Flights:
    """The runs under way by the name of their answer, each with the requests that wait for it."""

    def __init__(self) -> None:
        self._followers: dict[bytes, list[Follower]] = {}

    def leads(self, key: bytes, request: Follower) -> bool:
        """Whether the request is to run, and to tell of it; else it will be told."""
        if key in self._followers:
            self._followers[key].append(request)
            return False
        self._followers[key] = []
        return True

    def land(self, key: bytes, outcome: Any) -> None:
        """Whoever waited for this run has its outcome too."""
        for follower in self._followers.pop(key, ()):
            if not follower.done:
                follower.share(outcome)

    def hand_over(self, key: bytes) -> None:
        """The run that others wait for is not going to be: the next of them leads."""
        for follower in self._followers.pop(key, ()):
            if not follower.done:
                follower.take_off()
