"""The commands of ``stager-sandbox``: a module each, which holds its click command under the name ``command``."""
