"""Figures of matplotlib: drawn and saved by jobs, and as results.

On: cores
Needs: matplotlib
Slow: each process imports matplotlib

$ MPLBACKEND=Agg python matplotlib_figures.py
[('1.png', True), ('2.png', True)]
Figure ['y = 3x']
"""

import os

import matplotlib.pyplot as plt

import gridengine


def saved(factor):
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, factor])
    figure.savefig(f"{factor}.png")
    plt.close(figure)
    return f"{factor}.png"


def figure_of(factor):
    figure, axes = plt.subplots()
    axes.set_title(f"y = {factor}x")
    return figure


if __name__ == "__main__":
    print([(name, os.path.getsize(name) > 1000) for name in gridengine.map(saved, [1, 2])])
    (figure,) = gridengine.map(figure_of, [3])
    print(type(figure).__name__, [axes.get_title() for axes in figure.axes])
