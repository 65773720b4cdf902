"""A letter as a mail: a plain text, the same in HTML, and headers by the standard library."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from stager_worker.notices.letter import Letter


def make_message(letter: Letter, *, sender: str, recipient: str, notice: str) -> EmailMessage:
    """The mail.

    Args:
        letter: What to say.
        sender: An address.
        recipient: An address.
        notice: What tells this mail from all others; a repeat gets the same Message-ID, so that mail programs see it.

    Raises:
        ValueError: An address is none.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender, "Data stager")
    message["To"] = _address(recipient)
    message["Subject"] = "".join(sign if sign.isprintable() else " " for sign in letter.subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    name = hashlib.sha256(f"{notice} {recipient}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's holiday answers it
    message.set_content(_plain(letter))
    message.add_alternative(_html(letter), subtype="html")
    return message


def _address(text: str, name: str = "") -> Address:
    try:
        return Address(name, addr_spec=text)
    except Exception as error:  # the standard library's parser raises many kinds of errors for what is no address
        raise ValueError(f"{text!r} is no mail address") from error


def _plain(letter: Letter) -> str:
    lines = [letter.opening, ""]
    lines += [f"{name + ':':<9} {_one_line(value)}" for name, value in letter.facts]
    if letter.faults:
        lines += ["", "What went wrong first:"]
        lines += [f"- {_one_line(fault.path)}: {_one_line(fault.message)} ({fault.code})" for fault in letter.faults]
    if letter.more_faults:
        lines.append(f"... and {letter.more_faults} more; `stager report` lists them.")
    if letter.link:
        lines += ["", letter.link]
    return "\n".join(lines) + "\n"


def _html(letter: Letter) -> str:
    facts = "".join(
        f'<tr><th align="left" style="padding-right:1em">{escape(name)}</th><td>{escape(_one_line(value))}</td></tr>'
        for name, value in letter.facts
    )
    parts = [f"<p>{escape(letter.opening)}</p>", f"<table>{facts}</table>"]
    if letter.faults:
        items = "".join(
            f"<li><code>{escape(_one_line(fault.path))}</code>: {escape(_one_line(fault.message))} "
            f"({escape(fault.code)})</li>"
            for fault in letter.faults
        )
        parts.append(f"<p>What went wrong first:</p><ul>{items}</ul>")
    if letter.more_faults:
        parts.append(f"<p>... and {letter.more_faults} more; <code>stager report</code> lists them.</p>")
    if letter.link:
        parts.append(f'<p><a href="{escape(letter.link)}">{escape(letter.link)}</a></p>')
    head = f'<head><meta charset="utf-8"><title>{escape(letter.subject)}</title></head>'
    return "\n".join(["<!DOCTYPE html>", f'<html lang="en">{head}<body>', *parts, "</body></html>", ""])


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
