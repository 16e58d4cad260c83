"""Who is named gets a mail when the program is over, with the traceback of what has failed.

$ printf '#!/bin/sh\\n(echo to "$5"; sed -n "s/^Subject: //p;/^Calls/p;/^f:/p;/ValueError: /p") > mail\\n' > sendmail
$ chmod +x sendmail
$ PATH=$PWD:$PATH GRIDENGINE_MAIL_TO=me@example.org python a_mail_at_the_end.py
done
$ cat mail
to me@example.org
a_mail_at_the_end.py on ... is over after ...: 20 calls, 1 failed
Calls     20 done, 1 failed
f: ValueError (1 call)
    ValueError: not 13
"""

import gridengine


def f(x):
    if x == 13:
        raise ValueError("not 13")
    return x


if __name__ == "__main__":
    values = gridengine.map(f, range(20), reraise=False)
    assert [x for x in values if not gridengine.raised(x)] == [*range(13), *range(14, 20)]
    print("done")
