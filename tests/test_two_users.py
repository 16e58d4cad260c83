"""The users with which attacks are tested are two ordinary ones, and can use gridengine."""

from __future__ import annotations

from .two_users import User


def test_each_runs_programs_of_its_own_and_reads_nothing_of_the_other(
    users: tuple[User, User],
) -> None:
    program = "import gridengine, os; print(os.getuid(), gridengine.map(abs, [-1, 2]))"
    for user, other in (users, users[::-1]):
        ended = user.run_python(program, {"GRIDENGINE_SCHEDULER": "process"})
        assert f"{user.uid} [1, 2]\n" == ended.stdout
        assert 0 != user.run(["ls", other.home]).returncode
