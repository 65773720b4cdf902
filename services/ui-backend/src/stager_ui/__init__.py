"""The researchers' web application."""
