"""The doctor says that workers start here, and its exit status is that of all of it.

On: cores
Slow: the doctor looks at all, as in tests/diagnosis/test_doctor.py

$ GRIDENGINE_SCHEDULER=process python -m gridengine doctor | grep -E "workers here|scheduler"
ok ...workers here ...a worker has started, computed and ended in ...
ok ...scheduler ...process, because of GRIDENGINE_SCHEDULER=process...
$ GRIDENGINE_SCHEDULER=process python -m gridengine doctor --json |
>     python -c "import json, sys; print(json.load(sys.stdin)['ok'])"
True
$ GRIDENGINE_RUN_DIR=/proc/nowhere python -m gridengine doctor --scheduler process > said
[status 1]
$ grep "^failed" said
failed ...run folder ...
"""
