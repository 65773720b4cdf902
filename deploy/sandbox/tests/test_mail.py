"""Mail into a folder."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from stager_sandbox.mail import MailFolder


def test_a_mail_is_a_file(tmp_path: Path) -> None:
    """What was sent stands whole in the folder, with whom it was for, and no path out of it."""
    message = EmailMessage()
    message["Subject"] = "Job ünder way"
    message.set_content("line\n.\nlast\n")
    with MailFolder(tmp_path / "mail") as server, smtplib.SMTP(server.host, server.port) as client:
        client.send_message(message, "stager@example.org", ["../../jan@example.org", "piet@example.org"])
        client.send_message(message, "stager@example.org", ["jan@example.org"])
        first, second = server.mails()
    assert first.parent == tmp_path / "mail"
    assert second.name.endswith("jan@example.org.eml")
    stored = message_from_bytes(first.read_bytes(), policy=policy.default)
    assert stored["Subject"] == "Job ünder way"
    assert stored["X-Envelope-To"] == "../../jan@example.org, piet@example.org"
    assert stored.get_content().splitlines() == ["line", ".", "last"]
    assert first.stat().st_mode & 0o077 == 0
