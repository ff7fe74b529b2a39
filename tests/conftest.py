"""Lets tests import ``support``: pytest puts the folder of this file on the path."""
