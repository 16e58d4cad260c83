"""Where Python would speak to a person, a job speaks to the program: by `logging`, by warnings.

`logging` is not imported for that; `warnings` is there in every worker, which has its filters set.
"""

from __future__ import annotations

from .breakpoints import explain_breakpoints
from .on_import import when_imported
from .records import Records
from .shown_warnings import send_warnings


def speak_to_program(records: Records) -> None:
    """Has what jobs log and warn of sent, and breakpoints explained.

    Args:
        records: What is to be sent.
    """

    def logging_is_there() -> None:
        from .log_levels import apply_levels
        from .log_records import send_log_records

        apply_levels()
        send_log_records(records)

    when_imported("logging", logging_is_there)
    send_warnings(records)
    explain_breakpoints()
