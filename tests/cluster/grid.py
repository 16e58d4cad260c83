"""Grid Engine on the hosts: its files, its configuration, its daemons and its commands.

Everything of it lies under one directory of our own, `ROOT`, so that a Grid Engine that the
machine may have besides is not touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from .hosts import ROOT, Host
from .shell import CommandError, run
from .waiting import wait_until

CELL = "default"
QUEUE = "all.q"
SLOTS = 4  # per node
PARALLEL_ENVIRONMENT = "smp"
PROJECT = "research"
DRMAA_LIBRARY = Path("/usr/lib/gridengine-drmaa/lib/libdrmaa.so.1.0")
QMASTER = "sge_qmaster"
EXECD = "sge_execd"
PORTS = ("6444", "6445")  # of qmaster and execution daemon

_INSTALLED = Path("/var/lib/gridengine")  # where Debian's packages put the programs
_PROGRAMS = Path("/usr/lib/gridengine")
_INIT_CLUSTER = Path("/usr/share/gridengine/scripts/init_cluster")
_ADMIN = "sgeadmin"  # the user of Debian's packages as which the daemons work
_COMMON = ROOT / CELL / "common"
_SPOOL = ROOT / "spool"
_LINKS = ("bin", "lib", "util", "utilbin")
_QCONF = ROOT / "qconf"  # what is given to it to read
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FIRST_GROUP_ID = 65400
_LIMIT = 30.0  # seconds for a daemon to start and to be heard of, or for a command
_ANSWER_LIMIT = 5.0  # seconds for the qmaster to answer, which takes it milliseconds

_BOOTSTRAP = f"""\
Version: 6.2
admin_user        {_ADMIN}
default_domain    none
ignore_fqdn       false
spooling_method   berkeleydb
spooling_lib      libspoolb
spooling_params   {_SPOOL}/db
binary_path       /usr/sbin
qmaster_spool_dir {_SPOOL}/qmaster
security_mode     none
listener_threads  2
worker_threads    2
scheduler_threads 1
"""

# What differs from Debian's configuration.
_CONFIGURATION = {
    "execd_spool_dir": f"{_SPOOL}/execd",
    "mailer": "/bin/true",
    # A job of root is refused otherwise, and takes its queue into state E.
    "min_uid": "0",
    "min_gid": "0",
    # A lost node is noticed, and one that came back is believed, within seconds.
    "load_report_time": "00:00:01",
    "max_unheard": "00:00:15",
    # `qacct` knows of a job as soon as it has ended.
    "reporting_params": (
        "accounting=true reporting=false flush_time=00:00:15 accounting_flush_time=00:00:00 "
        "joblog=false sharelog=00:00:00"
    ),
}

# With the defaults a job may wait 15 seconds for a free slot, and as long to be seen ended.
_SCHEDULER = {
    "schedule_interval": "0:0:1",
    "flush_submit_sec": "1",
    "flush_finish_sec": "1",
    "job_load_adjustments": "NONE",
}

# Grid Engine's own defaults, where `_CONFIGURATION` and `_SCHEDULER` are quicker.
_SITE_CONFIGURATION = {
    "load_report_time": "00:00:40",
    "max_unheard": "00:05:00",
    "reporting_params": (
        "accounting=true reporting=false flush_time=00:00:15 joblog=false sharelog=00:00:00"
    ),
}
_SITE_SCHEDULER = {
    "schedule_interval": "0:0:15",
    "flush_submit_sec": "0",
    "flush_finish_sec": "0",
}
_AS_A_SITE = ROOT / "as-a-site"  # exists while these hold

_PARALLEL_ENVIRONMENT = f"""\
pe_name            {PARALLEL_ENVIRONMENT}
slots              999
user_lists         NONE
xuser_lists        NONE
start_proc_args    NONE
stop_proc_args     NONE
allocation_rule    $pe_slots
control_slaves     FALSE
job_is_first_task  TRUE
urgency_slots      min
accounting_summary FALSE
qsort_args         NONE
"""

_PROJECT = f"""\
name    {PROJECT}
oticket 0
fshare  0
acl     NONE
xacl    NONE
"""

# The load thresholds are NONE because all nodes see the load of the one machine.
_QUEUE = f"""\
qname                 {QUEUE}
hostlist              @allhosts
seq_no                0
load_thresholds       NONE
suspend_thresholds    NONE
nsuspend              1
suspend_interval      00:05:00
priority              0
min_cpu_interval      00:05:00
processors            UNDEFINED
qtype                 BATCH INTERACTIVE
ckpt_list             NONE
pe_list               {PARALLEL_ENVIRONMENT}
rerun                 FALSE
slots                 {SLOTS}
tmpdir                /tmp
shell                 /bin/sh
prolog                NONE
epilog                NONE
shell_start_mode      posix_compliant
starter_method        NONE
suspend_method        NONE
resume_method         NONE
terminate_method      NONE
notify                00:00:60
owner_list            NONE
user_lists            NONE
xuser_lists           NONE
subordinate_list      NONE
complex_values        NONE
projects              NONE
xprojects             NONE
calendar              NONE
initial_state         default
s_rt                  INFINITY
h_rt                  INFINITY
s_cpu                 INFINITY
h_cpu                 INFINITY
s_fsize               INFINITY
h_fsize               INFINITY
s_data                INFINITY
h_data                INFINITY
s_stack               INFINITY
h_stack               INFINITY
s_core                INFINITY
h_core                INFINITY
s_rss                 INFINITY
h_rss                 INFINITY
s_vmem                INFINITY
h_vmem                INFINITY
"""


_EXECUTION_HOST = """\
hostname         {node}
load_scaling     NONE
complex_values   NONE
user_lists       NONE
xuser_lists      NONE
projects         NONE
xprojects        NONE
usage_scaling    NONE
report_variables NONE
"""

_HOST_GROUP = """\
group_name @allhosts
hostlist   {nodes}
"""


def environment() -> dict[str, str]:
    """Give the variables by which programs find this Grid Engine."""
    return {
        "SGE_ROOT": str(ROOT),
        "SGE_CELL": CELL,
        "DRMAA_LIBRARY_PATH": str(DRMAA_LIBRARY),
    }


class Grid:
    """The Grid Engine of a submit host, which also runs its qmaster, and of some nodes."""

    def __init__(self, submit_host: Host, nodes: Sequence[Host]) -> None:
        self.submit_host = submit_host
        self.nodes = tuple(nodes)

    def create(self) -> None:
        """Set it up from nothing and start its daemons."""
        self._write_files()
        self.start_qmaster()
        self._configure()
        self.start_execds(self.nodes)

    def remove(self) -> None:
        """End its qmaster and remove its files, as much of them as there is."""
        self.submit_host.kill(QMASTER, grace=0)
        for name in _LINKS:
            (ROOT / name).unlink(missing_ok=True)
        for folder in (ROOT / CELL, _SPOOL, _QCONF):
            shutil.rmtree(folder, ignore_errors=True)
        _AS_A_SITE.unlink(missing_ok=True)

    def command(self, program: str, *arguments: str, limit: float = _LIMIT) -> str:
        """Run a command of Grid Engine on the submit host and give what it printed."""
        # Not the one in /usr/bin: that is a shell script which takes 50 ms to find this one.
        argv = self.submit_host.enter([str(_PROGRAMS / program), *arguments])
        return run(argv, env={**os.environ, **environment()}, limit=limit)

    def start_qmaster(self) -> None:
        """Start the qmaster, if it does not run, and wait until it answers."""
        if not self.submit_host.pids(QMASTER):
            self._start(self.submit_host, QMASTER)
        wait_until("the qmaster answers", self.qmaster_trouble, _LIMIT)

    def start_execds(self, nodes: Sequence[Host]) -> None:
        """Start nodes' execution daemons, if they do not run, and wait until they were heard of."""
        for node in nodes:
            if not node.pids(EXECD):
                self._start(node, EXECD)
        for node in nodes:
            wait_until(f"{node} has reported", partial(self.execd_trouble, node), _LIMIT)

    def qmaster_trouble(self) -> str | None:
        """Say what is wrong with the qmaster, or None if it answers."""
        try:
            self.command("qconf", "-sh", limit=_ANSWER_LIMIT)
        except CommandError as error:
            return str(error)
        return None

    def execd_trouble(self, node: Host) -> str | None:
        """Say what is wrong with a node's execution daemon, or None if the qmaster hears of it."""
        if not node.pids(EXECD):
            return f"no {EXECD} runs on {node}"
        state = self.queue_state(node)
        return f"{QUEUE}@{node} is in state {state}" if "u" in state else None

    def queue_state(self, node: Host) -> str:
        """Give the state letters of a node's queue as `qstat -f` has them; "" if all is well.

        E is an error, u unreachable, a an alarm, d disabled, s suspended.
        """
        told = ElementTree.fromstring(self.command("qstat", "-f", "-xml", "-q", f"{QUEUE}@{node}"))
        return told.findtext(".//Queue-List/state") or ""

    def fail_queue(self, node: Host) -> None:
        """Put a node's queue into state E, with a prolog that fails and a job to run it."""
        instance = f"{QUEUE}@{node}"
        self.command("qconf", "-mattr", "queue", "prolog", "/bin/false", instance)
        options = ["-terse", "-b", "y", "-o", "/dev/null", "-j", "y", "-q", instance]
        job = self.command("qsub", *options, "true").strip()

        def working() -> str | None:
            state = self.queue_state(node)
            return None if "E" in state else f"{instance} is in state {state!r}"

        try:
            wait_until(f"the queue of {node} has failed", working, _LIMIT)
        finally:
            self.command("qconf", "-purge", "queue", "prolog", instance)
        self.command("qdel", job)

    def configure(self, **values: str) -> dict[str, str]:
        """Change values of the global configuration; give those that they had."""
        before = self._values("-sconf")
        self._load("-Mconf", "global", self._changed("-sconf", values))
        return {name: before.get(name, "0") for name in values}

    def as_a_site(self) -> None:
        """Set it up with Grid Engine's own defaults, which are slow, until `as_for_tests`."""
        _AS_A_SITE.touch()
        self.configure(**_SITE_CONFIGURATION)
        self._load("-Msconf", "scheduler", self._changed("-ssconf", _SITE_SCHEDULER))

    def as_for_tests(self) -> None:
        """Undo `as_a_site`, if it was done."""
        if _AS_A_SITE.exists():
            self.configure(**{name: _CONFIGURATION[name] for name in _SITE_CONFIGURATION})
            self._load("-Msconf", "scheduler", self._changed("-ssconf", _SCHEDULER))
            _AS_A_SITE.unlink()

    def allow_submitting(self, nodes: Sequence[Host]) -> None:
        """Have queue jobs be submitted from these nodes, and from no others."""
        wanted = {self.submit_host.name, *(node.name for node in nodes)}
        present = set(self.command("qconf", "-ss").split())
        for name in wanted - present:
            self.command("qconf", "-as", name)
        for node in self.nodes:
            if node.name in present - wanted:
                self.command("qconf", "-ds", node.name)

    def _start(self, host: Host, daemon: str) -> None:
        # A clean environment, because jobs inherit that of the execution daemon.
        env = {"PATH": _PATH, "SGE_ROOT": str(ROOT), "SGE_CELL": CELL}
        run(host.enter([f"/usr/sbin/{daemon}"]), env=env)

    def _write_files(self) -> None:
        ROOT.mkdir(mode=0o755, exist_ok=True)
        for name in _LINKS:
            (ROOT / name).symlink_to(_INSTALLED / name)
        for directory in (_COMMON, *(_SPOOL / name for name in ("db", "qmaster", "execd"))):
            directory.mkdir(parents=True)
        (_COMMON / "bootstrap").write_text(_BOOTSTRAP)
        # Its programs refuse a host name that leads to loopback, so they go by the other name.
        (_COMMON / "act_qmaster").write_text(f"{self.submit_host.alias}\n")
        (_COMMON / "host_aliases").write_text(f"{self.submit_host.alias} {self.submit_host}\n")
        # Without this the qmaster ends with status 0 and says why in a file of messages only.
        for tree in (ROOT / CELL, _SPOOL):
            run(["chown", "--recursive", f"{_ADMIN}:", str(tree)])
        as_admin = ["setpriv", f"--reuid={_ADMIN}", f"--regid={_ADMIN}", "--init-groups"]
        run([*as_admin, str(_INIT_CLUSTER), str(ROOT), CELL, f"{_SPOOL}/db", _ADMIN])

    def _configure(self) -> None:
        self.command("qconf", "-as", self.submit_host.name)
        self._load("-Mconf", "global", self._changed("-sconf", _CONFIGURATION))
        self._load("-Msconf", "scheduler", self._changed("-ssconf", _SCHEDULER))
        for number, node in enumerate(self.nodes):
            self._load("-Ae", node.name, _EXECUTION_HOST.format(node=node))
            # The nodes see each other's processes, and a node knows (and kills, and accounts for)
            # the processes of a queue job by a group id that it adds to them: no two may share one.
            first = _FIRST_GROUP_ID + 100 * number
            self._load("-Aconf", node.name, f"gid_range {first}-{first + 99}\n")
        self._load("-Ahgrp", "hosts", _HOST_GROUP.format(nodes=" ".join(map(str, self.nodes))))
        self._load("-Ap", "parallel_environment", _PARALLEL_ENVIRONMENT)
        self._load("-Aprj", "project", _PROJECT)
        self._load("-Aq", "queue", _QUEUE)

    def _changed(self, show: str, changes: Mapping[str, str]) -> str:
        """Give the configuration that `qconf SHOW` tells of, with some of its values changed."""
        values = {**self._values(show), **changes}
        return "".join(f"{name} {value}\n" for name, value in values.items())

    def _values(self, show: str) -> dict[str, str]:
        told = self.command("qconf", show).replace("\\\n", " ")
        lines = [line for line in told.splitlines() if line[:1] not in ("", "#")]
        return dict(line.split(maxsplit=1) for line in lines)

    def _load(self, option: str, name: str, text: str) -> None:
        """Have qconf read a file; `name` is that of the file, which some options go by."""
        file = _QCONF / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        self.command("qconf", option, str(file))
