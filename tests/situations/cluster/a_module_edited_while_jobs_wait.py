"""A module that is edited while jobs wait: they run, each with what the module was when it came.

$ python a_module_edited_while_jobs_wait.py
first: old
second: old or new: True
"""

import pathlib

pathlib.Path("answers.py").write_text("def answer(x): return 'old'\n")

import answers  # noqa: E402

import gridengine  # noqa: E402

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=1) as scheduler:
        print("first:", gridengine.map(answers.answer, [1], scheduler=scheduler)[0])
        job = gridengine.Job(target=answers.answer, args=(2,), scheduler=scheduler)
        job.start()
        pathlib.Path("answers.py").write_text("def answer(x): return 'new!'\n")
        print("second: old or new:", job.result in ("old", "new!"))
