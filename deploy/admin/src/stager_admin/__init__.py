"""rq-dashboard behind a login, for administrators."""
