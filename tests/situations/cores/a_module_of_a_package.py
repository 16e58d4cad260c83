"""`python -m package.module`, with relative imports, also inside the functions.

On: cores, cluster

$ python -m shop.report
['apples: 2.40', 'pears: 3.00']
$ cd shop && PYTHONPATH=.. python -m shop.report
['apples: 2.40', 'pears: 3.00']
"""
