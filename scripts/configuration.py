"""Write docs/configuration.md: every key of every service's configuration, from the settings classes.

python scripts/configuration.py [--check]      --check: only say whether the file is as it should be
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from stager_admin.settings import AdminSettings
from stager_api.settings import ApiSettings
from stager_ui.settings import UiSettings
from stager_worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "configuration.md"
FILES: list[tuple[str, str, str, type[BaseModel]]] = [
    ("api-server.yml", "stager-api", "STAGER_API_", ApiSettings),
    ("worker.yml", "stager-worker", "STAGER_WORKER_", WorkerSettings),
    ("ui.yml", "stager-ui", "STAGER_UI_", UiSettings),
    ("admin.yml", "stager-admin", "STAGER_ADMIN_", AdminSettings),
]
HEAD = """# Every key of the configuration
<!-- Made by scripts/configuration.py from the settings classes; change those. -->

Each key but those with `NAME` (a name of yours) or `[]` (each item of a list) in it can also be given as a variable,
which wins over the file: the prefix, then the key in capitals, `__` for each dot, commas in lists. A secret is better
there than in a file that many read; with `_FILE` at its end a variable names the file in which the value stands, such
as a mounted secret. `STAGER_REDIS_URL` sets `redis.url` of API and worker. Keys that a service does not
know, values that it cannot use and keys that are missing are named at its start, each with file and line.
"""


def parts(annotation: Any) -> list[Any]:  # noqa: ANN401 - whatever stands behind a field's colon
    """The alternatives of a union, without None."""
    if get_origin(annotation) in {types.UnionType, Union}:
        return [part for item in get_args(annotation) if item is not type(None) for part in parts(item)]
    return [annotation]


def group_of(annotation: Any) -> tuple[str, type[BaseModel]] | None:  # noqa: ANN401 - as above
    """What a key's own keys are, and what stands between: nothing, `.NAME` or `[]`."""
    for part in parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return "", part
        inner = get_args(part)
        if get_origin(part) is dict and (found := group_of(inner[1])):
            return ".NAME" + found[0], found[1]
        if get_origin(part) in {tuple, list} and inner and (found := group_of(inner[0])):
            return "[]" + found[0], found[1]
    return None


def kind(annotation: Any) -> str:  # noqa: ANN401 - as above
    """A type in a reader's words."""
    words = {bool: "yes or no", int: "number", float: "number", str: "text", SecretStr: "secret", Path: "path"}
    told = []
    for part in parts(annotation):
        origin, inner = get_origin(part), get_args(part)
        if origin is Literal:
            told.append(", ".join(f"`{value}`" for value in inner))
        elif origin in {tuple, list, frozenset, set}:
            told.append(f"list of {kind(inner[0])}")
        elif origin is dict:
            told.append(f"{kind(inner[1])} by name")
        elif hasattr(part, "__metadata__"):
            told.append(kind(inner[0]))
        else:
            told.append(words.get(part, "URL" if "Url" in str(part) else "text"))
    return " or ".join(told)


def default(field: FieldInfo) -> str:
    """What holds where the key is absent."""
    value = field.default
    if value is PydanticUndefined:
        return "**needed**"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), frozenset(), {}):
        return ""
    if isinstance(value, tuple | frozenset | list):
        return ", ".join(f"`{item}`" for item in (sorted(value) if isinstance(value, frozenset) else value))
    if isinstance(value, Path) and value.is_relative_to(Path(sys.executable).parent):
        return f"`{value.name}` beside the program"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """A table's rows: a group's meaning, then its keys."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        group = group_of(field.annotation)
        if group is None:
            yield f"| `{key}` | {kind(field.annotation)} | {default(field)} | {meaning} |"
            continue
        between, inner = group
        needed = "**needed**" if field.is_required() else ""
        meaning = meaning or " ".join((inner.__doc__ or "").split("\n")[0].split())
        yield f"| `{key}{between}` | group | {needed} | {meaning} |"
        yield from rows(inner, f"{key}{between}.")


def page() -> str:
    """The whole text."""
    text = HEAD
    for file, program, prefix, model in FILES:
        text += f"\n## {file}\nOf `{program}`; variables begin with `{prefix}`.\n\n"
        text += "| key | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows(model)) + "\n"
    return text


def main() -> int:
    """Write it, or compare."""
    if "--check" in sys.argv[1:]:
        if TARGET.exists() and TARGET.read_text() == page():
            return 0
        print(f"{TARGET.relative_to(ROOT)} is not what the settings classes say: run scripts/configuration.py")
        return 1
    TARGET.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
