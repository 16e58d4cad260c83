"""Queues for what must happen, with a limit, and a word about what was seen last."""

from __future__ import annotations

from gridengine.testing.waiting import wait_until

__all__ = ["wait_until"]
