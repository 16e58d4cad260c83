"""A module with an object that cannot travel; for modules.py."""

import threading


class Database:
    def __init__(self):
        self.lock = threading.Lock()

    def get(self, value):
        with self.lock:
            return value


DATABASE = Database()


def using_the_database():
    return lambda value: DATABASE.get(value)
