"""Stands in for the binding of libdrmaa: queue jobs are processes of this host.

It does what the real one was seen to do with a Grid Engine 8.1.9, in its words. The file that
STAND_IN_DRMAA names holds JSON that says what is wrong with the cluster, and may change at any
time::

    down        the master does not answer
    max_tasks   largest array that the site allows
    max_jobs    arrays that the site allows a user
    try_later   of more than those it says so, instead of refusing them
    deny        submissions are refused with this text
    hold        new queue jobs stay pending
    broken      new queue jobs fail before they start
    crash       the next call ends the process
    hang        calls do not return
"""

import collections
import json
import os
import signal
import subprocess
import types

JobInfo = collections.namedtuple(
    "JobInfo",
    "jobId hasExited hasSignal terminatedSignal hasCoreDump wasAborted exitStatus resourceUsage",
)
JobControlAction = types.SimpleNamespace(TERMINATE="terminate")


class DrmaaException(Exception):
    pass


class DrmCommunicationException(DrmaaException):
    pass


class TryLaterException(DrmaaException):
    pass


class DeniedByDrmException(DrmaaException):
    pass


class ExitTimeoutException(DrmaaException):
    pass


class InvalidJobException(DrmaaException):
    pass


errors = types.SimpleNamespace(
    DrmaaException=DrmaaException,
    DrmCommunicationException=DrmCommunicationException,
    TryLaterException=TryLaterException,
    DeniedByDrmException=DeniedByDrmException,
    ExitTimeoutException=ExitTimeoutException,
    InvalidJobException=InvalidJobException,
)


class QueueJob:
    def __init__(self, template, job, task):
        self.name = f"{job}.{task}"
        self.deleted = False
        self.process = None
        if _trouble("hold") or _trouble("broken"):
            self.deleted = _trouble("broken")
            return
        path = template.outputPath.lstrip(":")
        path = path.replace("$JOB_ID", str(job)).replace("$TASK_ID", str(task))
        with open(path, "wb") as log:
            self.process = subprocess.Popen(
                [template.remoteCommand, *template.args],
                cwd=template.workingDirectory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "JOB_ID": str(job), "SGE_TASK_ID": str(task)},
            )

    def terminate(self):
        self.deleted = True
        if self.process is not None:
            self.process.kill()

    def over(self):
        return self.deleted if self.process is None else self.process.poll() is not None

    def info(self):
        if self.process is None and not _trouble("broken"):
            raise Exception("code 24: no usage information was returned for the completed job")
        code = 0 if self.process is None else self.process.returncode
        return JobInfo(
            jobId=self.name,
            hasExited=not self.deleted and code >= 0,
            hasSignal=not self.deleted and code < 0,
            terminatedSignal=signal.Signals(-code).name if code < 0 else "",
            hasCoreDump=False,
            wasAborted=self.deleted,
            exitStatus=max(code, 0),
            resourceUsage={"ru_wallclock": "0.0000", "acct_maxvmem": "1048576.0000"},
        )


class Session:
    TIMEOUT_NO_WAIT = 0
    JOB_IDS_SESSION_ANY = "any"
    contact = "session=stand-in"
    drmsInfo = "SGE 0"

    def __init__(self):
        self._jobs = {}
        self._number = 1000 * os.getpid()  # as unlike another session's as can be

    def initialize(self, contact=None):
        _reach()

    def exit(self):
        _reach()

    def createJobTemplate(self):
        return types.SimpleNamespace()

    def deleteJobTemplate(self, template):
        pass

    def runJob(self, template):
        _reach()
        assert template.nativeSpecification == "-w v"
        if text := _trouble("deny"):
            raise DeniedByDrmException(f"code 17: {text}")
        return "1"

    def runBulkJobs(self, template, first, last, step):
        _reach()
        if text := _trouble("deny"):
            raise DeniedByDrmException(f"code 17: {text}")
        if last > (limit := _trouble("max_tasks") or last):
            raise DeniedByDrmException(
                f"code 17: job rejected: you tried to submit a job with more than {limit} tasks"
            )
        arrays = {name.partition(".")[0] for name in self._jobs}
        if len(arrays) >= (limit := _trouble("max_jobs") or 1000):
            error = TryLaterException if _trouble("try_later") else DeniedByDrmException
            raise error(
                f"code 17: job rejected: only {limit} jobs are allowed per user "
                f"(current job count: {len(arrays)})"
            )
        self._number += 1
        made = [QueueJob(template, self._number, task) for task in range(first, last + 1, step)]
        self._jobs.update({job.name: job for job in made})
        return [job.name for job in made]

    def wait(self, name, timeout):
        wanted = list(self._jobs.values()) if name == "any" else [self._jobs.get(name)]
        if not wanted or None in wanted:
            raise InvalidJobException("code 18: The job specified by the 'jobid' does not exist.")
        for job in wanted:
            if job.over():
                del self._jobs[job.name]
                return job.info()
        raise ExitTimeoutException("code 23: time-out")

    def control(self, name, action):
        _reach()
        if name not in self._jobs:
            raise InvalidJobException("code 18: The job specified by the 'jobid' does not exist.")
        self._jobs[name].terminate()


def _reach():
    if _trouble("hang"):
        signal.pause()
    if _trouble("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if _trouble("down"):
        raise DrmCommunicationException(
            'code 2: unable to send message to qmaster using port 6444 on host "master": '
            "got send error"
        )


def _trouble(name):
    with open(os.environ["STAND_IN_DRMAA"]) as file:
        return json.load(file).get(name)
