"""In the C locale, with and without Python's UTF-8 mode, texts arrive as they are.

On: cores

$ LANG=C LC_ALL=C python lang_c.py
['a-umlaut', 'a-umlaut'] True
$ LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 python lang_c.py
['a-umlaut', 'a-umlaut'] True
"""

import gridengine


def name_of(letter):
    return {"ä": "a-umlaut"}[letter]


if __name__ == "__main__":
    same = gridengine.map(lambda text: text, ["ä", "日本"]) == ["ä", "日本"]
    print(gridengine.map(name_of, ["ä", "ä"]), same)
