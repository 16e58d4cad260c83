"""The command line: what it can do, its version, and its words for what it does not know.

On: cores
Alone: `reap` would find what other programs are about to end

$ gridengine --help | head -3
usage: gridengine [-h] [--version] COMMAND ...
...
Runs Python functions on this computer's cores, or on a cluster.
$ python -m gridengine --version
gridengine ...
$ gridengine reap
nothing was left behind
$ gridengine reap --dry-run
nothing was left behind
$ gridengine reaap 2>&1 | tail -1; gridengine 2>&1 | tail -1
gridengine: error: ...reaap...
gridengine: error: the following arguments are required: COMMAND
$ GRIDENGINE_PATIENCE=long python -c 'import gridengine; gridengine.map(abs, [1])' 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_PATIENCE is 'long'; it takes a number
"""
