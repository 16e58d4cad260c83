"""The traceback of a failure in a notebook's cell shows the lines of the cell.

On: cores
Needs: IPython

$ python source_lines_of_cells.py
Traceback (most recent call last):
  File "...", line 2, in share
    return total / parts
ZeroDivisionError: division by zero
"""

from IPython.core.interactiveshell import InteractiveShell

CELL = """
def share(total, parts):
    return total / parts
"""

FAILURE = """
import gridengine

try:
    gridengine.map(share, [1], [0])
except ZeroDivisionError as error:
    print(str(error.__cause__).strip())
"""

if __name__ == "__main__":
    shell = InteractiveShell.instance()
    shell.run_cell(CELL)
    shell.run_cell(FAILURE)
    shell.history_manager.end_session()
