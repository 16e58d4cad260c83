r"""A project's settings in a file; what is wrong in it is told with what is right.

On: cores

$ printf 'linger = 3\n[process]\nmax_workers = 2\n' > gridengine.toml; mkdir -p src
$ cd src; python ../settings_of_a_project.py
2 workers
$ echo 'lnger = 3' > gridengine.toml; python settings_of_a_project.py 2>&1 | tail -1
gridengine.errors.GridEngineError: .../gridengine.toml: there is no setting 'lnger'; did you mean 'linger'?
$ echo 'linger = "3"' > gridengine.toml; python settings_of_a_project.py 2>&1 | tail -1
gridengine.errors.GridEngineError: linger in .../gridengine.toml is '3'; it takes a number
$ printf '[process]\nmax_worker = 2\n' > gridengine.toml; python settings_of_a_project.py 2>&1 | tail -1
gridengine.errors.GridEngineError: .../gridengine.toml: [process] has no 'max_worker'; did you mean 'max_workers'?
$ mkdir -p ~/.config/gridengine; mv gridengine.toml ~/.config/gridengine/
> echo 'linger = 1' > gridengine.toml; python settings_of_a_project.py 2>&1 | tail -1
> rm -r ~/.config
gridengine.errors.GridEngineError: .../.config/gridengine/gridengine.toml: [process] has no ...
"""

import gridengine

if __name__ == "__main__":
    assert gridengine.map(abs, [-1, 2]) == [1, 2]
    print(gridengine.schedulers.best_available().max_workers, "workers")
