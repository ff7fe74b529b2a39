"""The tool behind ``vivavoce bench``: recordings in, figures out.

It streams recordings to a server at the speed of speech and reports what a client sees: accuracy, latency,
stability, cost. Pure functions (``figures``, ``timing``, ``turns``) compute the figures from what was sent
(``records.Script``) and what came back (``records.Trace``), so that every figure can be checked by hand.
"""
