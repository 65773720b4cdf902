"""Every code that a failure or a refusal can carry has a text in each language, or a reason why it needs none.

The codes are read from where they are made: enums and tables, and what the sources give to the errors that carry them.
"""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from s_isync.backends import irods_errors, local_errors
from s_isync.exit_codes import ExitCode
from stager_api.reasons import Fault, Reason
from stager_client.errors import UNSEALABLE
from stager_jobs.job import DEADLINES, OWNER_AT_LIMIT
from stager_ui.reasons import _ALIKE, fault_key, refusal_key, text_key
from stager_ui.texts import CATALOGUES
from stager_worker import report, verdicts

ROOT = Path(__file__).parents[1]
OF_JOBS = {"JobError": 1, "TransferRefusedError": 0}
CARRIERS = {
    "services/s-isync/src/s_isync": {
        "TreeError": 0,
        "TransientError": 0,
        "ForbiddenError": 0,
        "EndOfRunError": 2,
        "Problem": 3,
        "_tell_of": 0,
        "_session_problem": 0,
    },
    "services/worker/src/stager_worker": OF_JOBS,
    "libs/stager-jobs/src/stager_jobs": OF_JOBS,
}
"""By package, what is made with a code, and which of its arguments that is."""
HANDED_ON = re.compile(r"(error|obstacle)\.code|exit_code\.label|ExitCode\.\w+\.label|code|name|clean_text\(.*")
"""Arguments that are made elsewhere: another error's code, an exit code's name, or one of the tables below."""
WITHOUT = {
    "why.complete": "no failure",
    "why.differs": "of s-isync --check, which no worker runs",
    "why.nothing_done": "of s-isync --error-on-no-transfer, which no worker runs",
    "refused.no_such_project": "the web application asks for no project",
    "refused.several_collections": "the web application asks for no project",
    "fault.not_a_project": "the web application asks for no project",
    "refused.unauthenticated": "who isn't known is sent to sign in",
}
"""Keys of codes that need no text, and why."""
BESIDE = {"why.partial_file", "why.partial_folders"}
"""Texts for a special case of another one's code."""


def codes_in(tree: ast.Module, carriers: dict[str, int]) -> Iterator[str]:
    """The codes that a module makes; AssertionError for an argument that can't be read."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", None) or getattr(call.func, "attr", "")
        if name == "__init__" and len(call.args) == 2 and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)  # a class of errors that has one code
        place = carriers.get(name)
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if place is None or (len(call.args) <= place and "code" not in named):
            continue
        given = named.get("code") or call.args[place]
        if isinstance(given, ast.Constant):
            yield str(given.value)
            continue
        found = list(assigned(tree, ast.unparse(given)))
        assert found or HANDED_ON.fullmatch(ast.unparse(given)), f"line {call.lineno}: {ast.unparse(call)}"
        yield from found


def assigned(tree: ast.Module, variable: str) -> Iterator[str]:
    """The codes among what is assigned to a variable anywhere in a module."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
        if any(isinstance(one, ast.Name) and one.id == variable for target in node.targets for one in ast.walk(target)):
            keys = [one.slice for one in ast.walk(node.value) if isinstance(one, ast.Subscript)]
            texts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant) and one not in keys]
            yield from (text for text in texts if isinstance(text, str) and re.fullmatch(r"\w+", text))


def failure_codes() -> set[str]:
    """What events, jobs and reports carry."""
    zone = (getattr(irods_errors, f"_{name}") for name in ("LOGIN", "FULL", "FORBIDDEN", "FOR_GOOD", "PASSING"))
    system = (getattr(local_errors, f"_{name}") for name in ("PASSING", "FORBIDDEN", "FULL", "SENTENCES"))
    found = {code for table in zone for code in table}
    found |= {errno.errorcode[number] for table in system for number in table}
    found |= {code.label for code in ExitCode} | {code for code, _ in verdicts.EXIT_CODES.values()}
    found |= DEADLINES | {OWNER_AT_LIMIT, report._FULL["code"]}
    for package, carriers in CARRIERS.items():
        for path in (ROOT / package).rglob("*.py"):
            if path.name != "memory.py":  # a backend that only tests use
                found |= set(codes_in(ast.parse(path.read_text()), carriers))
    return found


def keys() -> dict[str, str]:
    """The keys of texts for all codes, with one of the codes."""
    found = {text_key(code): code for code in failure_codes()}
    found |= {refusal_key(reason): reason for reason in Reason}
    return found | {fault_key(fault): fault for fault in (*Fault, UNSEALABLE)}


def texts(language: str) -> set[str]:
    """The keys of the texts for codes."""
    all_of_it = CATALOGUES[language]._texts
    return {re.sub("_(one|other)$", "", key) for key in all_of_it if key.startswith(("why.", "refused.", "fault."))}


def test_sources_are_read() -> None:
    """One of each kind is found: literals, alternatives, keywords, constructors, and the tables."""
    wanted = {"NAME_NOT_UTF8", "LINK", "SPECIAL", "MAX_DELETE", "OUTSIDE", "CONNECTION_LOST", "credential_missing"}
    assert failure_codes() >= wanted | {"worker_lost", "killed", "unknown", "EDQUOT", "CAT_SQL_ERR", "login_refused"}
    with pytest.raises(AssertionError):
        list(codes_in(ast.parse("raise TreeError(make_up(), 'what')"), {"TreeError": 0}))


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_code_has_a_text(language: str) -> None:
    """And what has none says why; neither list names what has gone."""
    wanted, have = keys(), texts(language)
    assert {key: code for key, code in wanted.items() if key not in have} == {key: wanted.get(key) for key in WITHOUT}
    assert have - wanted.keys() == BESIDE


def test_no_code_is_named_that_nothing_makes() -> None:
    """The table of codes holds nothing that has gone, and no code twice."""
    named = [code for codes in _ALIKE.values() for code in codes]
    assert len(named) == len(set(named))
    assert set(named) <= failure_codes()
