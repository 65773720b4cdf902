"""The pages and what their scripts ask for, a module for each part of the application."""
