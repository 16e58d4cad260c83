"""A lambda of an imported module sees what the module has set at run time, as in a script.

$ python -c "import appmod; appmod.main()"
[{'a': 1}]
$ python lambda_of_an_imported_module.py
[{'a': 1}]
$ python -c "import appmod; appmod.objects()"
data data/run [2.0] 5
$ python -c "import appmod; appmod.by_turns()"
data
None
data
"""

import appmod

if __name__ == "__main__":
    appmod.main()
