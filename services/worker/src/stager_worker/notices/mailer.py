"""Hands mails to the mail server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from stager_worker.notices.errors import NeverToldError, NotToldError
from stager_worker.settings import Mail

_SECONDS = 30.0
_FOR_GOOD = 500


class Mailer:
    """A connection a mail: they are few.

    Raises:
        OSError: The file of authorities can't be used.
    """

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._context = ssl.create_default_context(cafile=settings.ca_file)

    def send(self, message: EmailMessage) -> None:
        """Hand over a mail.

        Raises:
            NeverToldError: The server refuses this mail or its recipient for good.
            NotToldError: Anything else.
        """
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _refusal(max(codes), "the recipient") from error
        except smtplib.SMTPSenderRefused as error:
            raise NotToldError(f"the mail server refuses the sender (code {error.smtp_code})") from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, "the mail") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotToldError(f"the mail server can't be used now: {type(error).__name__}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=_SECONDS, context=self._context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=_SECONDS)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._context)
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _refusal(code: int, what: str) -> Exception:
    text = f"the mail server refuses {what} (code {code})"
    return NeverToldError(text) if code >= _FOR_GOOD else NotToldError(text)
