"""Its program."""

import gridengine

WITH = None


def main():
    global WITH
    WITH = "hops"
    print(gridengine.map(lambda beer: f"{beer} of {WITH}", ["ale", "stout"]))


if __name__ == "__main__":
    main()
