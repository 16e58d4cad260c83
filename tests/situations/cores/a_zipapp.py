"""A program that is packed with `python -m zipapp`, modules and all.

On: cores, cluster

$ python -m zipapp app -o app.pyz && python app.pyz
['Hello, Ada!', 'Hello, Bob!']
"""
