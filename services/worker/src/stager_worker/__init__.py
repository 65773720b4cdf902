"""Dequeues transfers and runs s-isync for each as the user who asked."""
