"""Measurements: recordings in, figures out.

``python -m vivavoce.bench FOLDER`` streams the recordings of a folder to a server at the speed of speech and
prints what a listener would have seen: how right, how soon, how steady, at what cost. The figures are
computed by pure functions (``metrics``, ``timing``) from what was sent (``model.Script``) and what came back
(``model.Trace``), so that a figure can be checked by hand.
"""
