"""JSON, TOML and YAML in the documentation are what they claim to be."""

from __future__ import annotations

import json
import tomllib

import pytest
import yaml
from argon2 import PasswordHasher
from code_blocks import Block, blocks
from configuration import FILES
from pydantic import BaseModel
from stager.v1 import job_pb2
from stager_client.configuration import KEYS

SETTINGS = {file: model for file, _, _, model in FILES}
PAGES_OF_SETTINGS = {
    "services/api/README.md": "api-server.yml",
    "services/worker/README.md": "worker.yml",
    "services/ui-backend/README.md": "ui.yml",
}
TASK_KEYS = {field.json_name for field in job_pb2.Task.DESCRIPTOR.fields}


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json_and_tasks_have_every_key(block: Block) -> None:
    """A task in the documentation shows every key there is, and no other."""
    document = json.loads(block.text)
    if "srcURL" in document:
        assert set(document) == TASK_KEYS


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_a_client_configuration(block: Block) -> None:
    """The client knows every key."""
    assert set(tomllib.loads(block.text)) <= set(KEYS)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_accepted_by_its_service(block: Block) -> None:
    """An example of a configuration is one that the service would take."""
    document = yaml.safe_load(block.text.replace("$argon2id$...", PasswordHasher().hash("x")))
    if block.page in PAGES_OF_SETTINGS:
        model: type[BaseModel] = SETTINGS[PAGES_OF_SETTINGS[block.page]]
        model.model_validate(document)
