"""Jobs that log and warn: set up logging in the program, and read on which node what was said.

::

    python job_logs.py
"""

import logging
import warnings

import gridengine

log = logging.getLogger("weather")


def mean(station: str) -> float:
    """Returns the mean of what a station has measured."""
    log.info("reading %s", station)
    measured = [len(station) * factor for factor in (1.0, 1.5, 2.0)]
    if station == "Kyiv":
        warnings.warn("Kyiv has gaps", stacklevel=1)
        log.warning("%s: one day is missing", station, extra={"station": station})
        measured.pop()
    return sum(measured) / len(measured)


if __name__ == "__main__":
    handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(job)s on %(host)s: %(message)s"
    handler.setFormatter(logging.Formatter(form, defaults={"job": "-", "host": "-"}))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("gridengine").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    print(gridengine.map(mean, ["Oslo", "Kyiv", "Lima"]))
