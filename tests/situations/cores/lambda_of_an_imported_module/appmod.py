import gridengine

CONFIG = None


def main():
    global CONFIG
    CONFIG = {"a": 1}
    print(gridengine.map(lambda x: CONFIG, [1]))
