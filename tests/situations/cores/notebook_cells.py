"""Functions of notebook cells are jobs, and one that was defined anew is the new one.

On: cores, cluster
Needs: nbclient, ipykernel
Slow: a kernel starts, as in tests/notebooks/test_cells.py

$ python notebook_cells.py 2>&1 | grep -v '^.IPKernelApp'
[2, 4]
[3, 6]
[(3, 'of another cell')]
ZeroDivisionError: division by zero
[6, 12]
"""

import nbclient
import nbformat

CELLS = [
    "import gridengine\nFACTOR = 2\ndef times(x):\n    return x * FACTOR",
    "gridengine.map(times, [1, 2])",
    "def times(x):\n    return x * 3\ngridengine.map(times, [1, 2])",
    "WHERE = 'of another cell'\ndef both(x):\n    return times(x), WHERE",
    "gridengine.map(both, [1])",
    "gridengine.map(lambda x: 1 / x, [1, 0])",
    "FACTOR = 6\ngridengine.map(lambda x: x * FACTOR, [1, 2])",
]

notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
nbclient.NotebookClient(notebook, allow_errors=True).execute()
for cell in notebook.cells:
    for output in cell.outputs:
        if output.output_type == "error":
            print(f"{output.ename}: {output.evalue}")
        else:
            print(output.get("text") or output["data"]["text/plain"])
