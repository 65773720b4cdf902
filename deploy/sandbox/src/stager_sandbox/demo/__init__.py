"""`make demo`: the whole stager on this machine, doing its main job with real files.

It runs the services by their commands, with configuration files as a real deployment has them, and imports none.
"""
