"""Motions: poses over time, read from files or made here (`builtin`), for any person. numpy only."""
