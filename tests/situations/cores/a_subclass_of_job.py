"""A Job that is made as a thread is made: a subclass with `run`, whose attributes come back.

$ python a_subclass_of_job.py
<Count(counts, initial)>
FINISHED 3 True 0
letters: {'a': 2, 'b': 1}
not mutable: None
"""

import gridengine


class Count(gridengine.Job):
    """Counts letters."""

    letters = None

    def __init__(self, text, **options):
        super().__init__(**options)
        self.text = text

    def run(self):
        self.letters = {letter: self.text.count(letter) for letter in sorted(set(self.text))}
        return len(self.text)


if __name__ == "__main__":
    job = Count("aba", name="counts", mutable=True)
    print(job)
    job.start()
    job.join()
    print(job.state.name, job.result, job.host is not None, job.exitcode)
    print("letters:", job.letters)
    job = Count("aba")
    job.start()
    job.join()
    print("not mutable:", job.letters)
