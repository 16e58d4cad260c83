"""The example that is installed with the package says whether it works, and where.

On: cores, cluster

$ python -W error -m gridengine.example
gridengine ... with CPython ... on ...Scheduler(...)
map: 8 calls in ... s, ...
job: 1229 primes below 10,000, counted on ...
job that fails: TypeError(...)
$ python -c "from gridengine.example import primes; print(primes(20)[0])"
8
"""
