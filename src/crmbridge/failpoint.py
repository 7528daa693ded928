"""Named points at which a test may kill the process, to prove that nothing is lost there.

``CRMBRIDGE_FAILPOINT=name:N`` in the environment kills the process (SIGKILL, no clean-up) when the
named point is reached for the N-th time. Without the variable, `reach` does nothing.
"""

import os
import signal

POINTS = (
    "pull.page.fetched",
    "pull.page.converted",
    "pull.page.upserted",
    "pull.page.committed",
    "pull.sweep.marked",
    "push.intent.committed",
    "push.batch.sent",
    "push.outcome.committed",
    "push.finished",
    "csv.out.written",
    "csv.out.renamed",
    "token.refreshed",
    "token.saved",
    "migration.step",
)
"""Every point that the code reaches; a test reads this list and kills a run at each."""

_armed, _, _count = os.environ.get("CRMBRIDGE_FAILPOINT", "").partition(":")
_left = [int(_count or 1)]


def reach(point: str) -> None:
    """Die here if the environment asks for it."""
    if point != _armed:
        return
    _left[0] -= 1
    if _left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
