"""What a map was like stands in a page afterwards, though it has failed.

On: cores, cluster
Needs: jinja2, matplotlib
Slow: it draws, as tests/client/test_report.py does

$ python a_report_of_a_map.py
ZeroDivisionError: division by zero
$ grep -o "<strong>.*</strong>" run.html
<strong>ZeroDivisionError: division by zero</strong>
$ grep -c "<script" run.html
0
[status 1]
"""

import gridengine


def invert(x):
    return 1 / x


if __name__ == "__main__":
    try:
        gridengine.map(invert, range(10), report="run.html")
    except ZeroDivisionError as error:
        print(f"{type(error).__name__}: {error}")
