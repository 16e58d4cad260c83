"""A web page that shows what this user's programs on this host do: ``gridengine dashboard``.

::

    programs                      this process                                        browser
      dispatcher ── events ──▶ Watcher (thread) ─ Watched ◀── reads ── Page ── Bokeh ──▶ page
      dispatcher ── events ──▶    │                 ▲                    ▲
                                                    └── /metrics         └── Access: token, names

The server is Bokeh's: its scripts come with it, so that nothing comes from elsewhere. It listens
on 127.0.0.1 alone.
"""
