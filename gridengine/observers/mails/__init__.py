"""Mails about a program, or a map, that is over, and about calls that have failed for good.

::

    dispatcher's thread                       the mails' thread
      events ──▶ Tally ◀── looks ── ProgramMails ──▶ text, plot ──▶ message ──▶ SMTP or sendmail
                                    MapMail

The dispatcher only counts. Whatever takes time, or may fail, happens in a thread of its own, which
there is as long as there may be something to send. Only the end of a program waits for that, and
not for long.
"""
