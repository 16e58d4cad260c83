"""How fast gridengine is beside its peers: ``python -m benchmarks --help``.

====================  =======================================================================
``__main__``          the command line
``rows``              the table: figures, units, and what is to be reached
``workloads``         what is run, on any library
``handles``           what is run on our Pool, Executor and joblib backend, and theirs
``tasks``             the functions that the workers run
``peers/``            one small adapter for each library
``child``             the program that runs one workload on one library, and ends
``measure``           starts the children in turn and gathers their figures
``report``            the table as text, JSON and a picture
``cluster``           the part that needs a Grid Engine
``scale``             the part with simulated workers
====================  =======================================================================
"""
