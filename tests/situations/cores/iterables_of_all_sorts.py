"""What `map` draws from: all that `for` does.

$ python iterables_of_all_sorts.py
dict ['A', 'B']
items ['a1', 'b2']
set [1, 2]
text ['X', 'Y']
file ['one', 'two']
generator [1, 4, 9]
range 100
nothing []
shortest [5, 7]
pairs [3, 7]
"""

import gridengine


def main():
    letters = {"a": 1, "b": 2}
    print("dict", gridengine.map(str.upper, letters))
    print("items", gridengine.map(lambda item: f"{item[0]}{item[1]}", letters.items()))
    print("set", sorted(gridengine.map(abs, {-1, -2})))
    print("text", gridengine.map(str.upper, "xy"))
    with open("lines", "w+") as file:
        file.write("one\ntwo\n")
        file.seek(0)
        print("file", gridengine.map(str.strip, file))
    print("generator", gridengine.map(lambda x: x * x, (x for x in (1, 2, 3))))
    print("range", len(gridengine.map(abs, range(0, -1000, -10))))
    print("nothing", gridengine.map(abs, []))
    print("shortest", gridengine.map(lambda x, y: x + y, [1, 2, 3], [4, 5]))
    print("pairs", gridengine.map(lambda pair: sum(pair), zip([1, 3], [2, 4], strict=True)))


if __name__ == "__main__":
    main()
