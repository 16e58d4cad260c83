"""A large table as what all calls close over, as an argument and as a result.

On: cores
Needs: pandas
Slow: 520 MB go to each worker, there and back

$ python a_dataframe_of_520_mb.py
520 MB
[0.0, 64999999.0, 32499999.5]
argument and result: True
"""

import numpy
import pandas

import gridengine

if __name__ == "__main__":
    table = pandas.DataFrame({"x": numpy.arange(65_000_000, dtype=float)})
    print(table.memory_usage(index=False).sum() // 1_000_000, "MB")
    with gridengine.schedulers.ProcessScheduler(2) as two:
        names = ["min", "max", "mean"]
        values = gridengine.map(lambda name: getattr(table.x, name)(), names, scheduler=two)
        print([float(value) for value in values])
        (result,) = gridengine.map(lambda given: given, [table], scheduler=two)
        print("argument and result:", result.equals(table))
