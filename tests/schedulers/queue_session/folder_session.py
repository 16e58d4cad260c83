"""Sessions with a batch system whose queue is a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gridengine.schedulers.events import End
from gridengine.schedulers.queue_session.process import messages
from gridengine.schedulers.queue_session.session import QueueSession

from . import queue_in_a_folder


class Request:
    """Nothing is asked for."""

    memory = 0

    def changed(self, changes: Mapping[str, object]) -> Request:
        return self


class FolderSession(QueueSession):
    """A session whose batch system is another module's."""

    system_name = "folder"
    batch_system = f"{queue_in_a_folder.__name__}:QueueInAFolder"

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def order(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        request: Request,
        logs: str,
        avoid: Sequence[str],
    ) -> messages.Submit:
        return messages.Submit(batch, tuple(command), count, name, "", logs)

    def judge(self, over: messages.QueueJobEnd, request: Request) -> End:
        return End(detail=over.accounting.get("said", "nothing is written down"))


class FullSession(FolderSession):
    """A session with a site that limits what may be in its queue."""

    batch_system = f"{queue_in_a_folder.__name__}:FullQueue"
