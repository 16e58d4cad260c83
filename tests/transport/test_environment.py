"""Which of the program's variables go to other hosts."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from gridengine.transport import environment
from gridengine.transport.environment import EnvironmentFilter, environment_for_nodes

CREDENTIALS = """
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN GH_TOKEN GITHUB_TOKEN HF_TOKEN
    HUGGING_FACE_HUB_TOKEN WANDB_API_KEY OPENAI_API_KEY ANTHROPIC_API_KEY KAGGLE_KEY PGPASSWORD
    MYSQL_PWD TWINE_PASSWORD REDIS_PASS DB_PASSWD SSH_PASSPHRASE GOOGLE_APPLICATION_CREDENTIALS
    AZURE_CLIENT_SECRET AZURE_STORAGE_CONNECTION_STRING DOCKER_AUTH_CONFIG NPM_CONFIG__AUTH
    OAUTH_CLIENT DATABASE_URL SENTRY_DSN GITLAB_PRIVATE_KEY SLACK_WEBHOOK_URL CI_JOB_JWT
    AZURE_DEVOPS_EXT_PAT JUPYTERHUB_API_TOKEN VAULT_TOKEN my_secret Api_Key
"""

HARMLESS = """
    TOKENIZERS_PARALLELISM MAX_TOKEN_LENGTH KEYBOARD AUTHOR GIT_AUTHOR_NAME GPG_KEY AWS_REGION
    AWS_PROFILE PASSENGER COMPASS SSH_ASKPASS GIT_ASKPASS PYTHONHASHSEED CONDA_PREFIX LS_COLORS
    MONKEY PATH PATTERN GRIDENGINE_RUN_DIR KRB5CCNAME OMP_NUM_THREADS LOADEDMODULES
"""


@pytest.fixture(autouse=True)
def nothing_told_yet() -> Iterator[None]:
    before = set(environment._told)
    environment._told.clear()
    yield
    environment._told.clear()
    environment._told.update(before)


def passes(name: str, patterns: str = "") -> bool:
    return EnvironmentFilter(patterns).passed({name: "x"}) == [name]


def test_the_environment_of_a_queue_job_does_not_travel_into_another() -> None:
    scrubbed = (
        "SGE_TASK_ID", "SGE_ROOT", "SGE_O_HOST", "JOB_ID", "JOB_NAME", "JOB_SCRIPT", "QUEUE",
        "NSLOTS", "NHOSTS", "NQUEUES", "PE", "PE_HOSTFILE", "ARC", "REQUEST", "RESTARTED",
        "ENVIRONMENT", "TMPDIR", "TMP", "HOSTNAME", "DRMAA_LIBRARY_PATH", "SLURM_JOB_ID",
    )  # fmt: skip
    assert environment_for_nodes(dict.fromkeys(scrubbed, "x")) == {}


@pytest.mark.parametrize("patterns", ["", "*"])
def test_what_belongs_to_this_host_or_this_terminal_does_not_travel(patterns: str) -> None:
    names = ("DISPLAY", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "LD_PRELOAD", "OLDPWD", "SHLVL", "TERM")
    assert environment_for_nodes(dict.fromkeys(names, "x"), patterns) == {}


def test_all_else_travels_with_its_value_whatever_it_holds() -> None:
    every = dict.fromkeys(
        (
            "PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "PERL5LIB", "MY_SGE_THING", "PWD",
            "lower", "NOTHING",
        ),
        "it's\n\udce4 = password",
    )  # fmt: skip
    assert environment_for_nodes(every) == every


@pytest.mark.parametrize("name", CREDENTIALS.split())
def test_what_looks_like_a_credential_stays_here(name: str) -> None:
    assert not passes(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_only_sounds_like_one_goes(name: str) -> None:
    assert passes(name)


@pytest.mark.parametrize(
    ("patterns", "name", "goes"),
    [
        ("HF_TOKEN", "HF_TOKEN", True),
        ("HF_TOKEN", "GH_TOKEN", False),
        ("HF_TOKEN", "PATH", True),
        ("!FOO*", "FOO_BAR", False),
        ("!FOO*", "BAR", True),
        ("!FOO*, FOO_BAR", "FOO_BAR", True),
        ("FOO_BAR, !FOO*", "FOO_BAR", False),
        ("*,!*SECRET*", "MY_SECRET", False),
        ("*,!*SECRET*", "MY_TOKEN", True),
        ("!*", "PATH", False),
        ("!* PATH\tHOME", "HOME", True),
        (" , ,", "PATH", True),
        ("!", "PATH", True),
        ("ab[cd]_token", "ABC_TOKEN", True),
        ("ab[cd]_token", "ABE_TOKEN", False),
        ("A?_TOKEN", "AB_TOKEN", True),
    ],
)
def test_of_the_users_own_patterns_the_last_one_decides(
    patterns: str, name: str, goes: bool
) -> None:
    assert passes(name, patterns) is goes


def test_what_is_left_out_is_named_once_and_never_its_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"MY_TOKEN": "sesame", "API_KEY": "sesame", "PATH": "/bin", "SSH_AUTH_SOCK": "/x"}
    for _ in range(2):
        assert environment_for_nodes(environ) == {"PATH": "/bin"}
    assert environment_for_nodes({**environ, "ITS_SECRET": "sesame"}) == {"PATH": "/bin"}
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith(
        "API_KEY, MY_TOKEN look like a credential and are not sent to the nodes"
    )
    assert "GRIDENGINE_ENVIRONMENT=API_KEY,MY_TOKEN sends them" in first
    assert second.startswith("ITS_SECRET looks like")
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "sesame" not in caplog.text
    assert "SSH_AUTH_SOCK" not in caplog.text


def test_what_the_warning_says_to_write_is_so(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"MY_TOKEN": "x", "API_KEY": "y"}
    assert environment_for_nodes(environ, "API_KEY,MY_TOKEN") == environ
    assert environment_for_nodes(environ, "!API_KEY,!MY_TOKEN") == {}
    assert not caplog.records


def test_that_one_is_gone_is_no_secret_but_what_is_a_hosts_own_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = {"A_SECRET_THAT_IS_GONE": None, "TMPDIR": None}
    assert EnvironmentFilter().passed(gone) == ["A_SECRET_THAT_IS_GONE"]
    assert not caplog.messages
