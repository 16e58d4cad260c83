"""What a run was like, as a page: gathered from events, put into figures, plots and HTML.

::

    events, of a program or a log ──▶ RunFacts ──▶ Figures ──▶ page.html, plots as SVG
"""
