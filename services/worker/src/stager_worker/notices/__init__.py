"""Telling people and programs how jobs went: mails and webhooks."""
