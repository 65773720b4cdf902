"""The base of every settings class."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings: frozen, and any key it doesn't know is an error.

    Each field carries its meaning, unit and limits in `Field(description=...)`: the table of all keys in the admin
    guide is made from them. Secrets are `pydantic.SecretStr`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)
