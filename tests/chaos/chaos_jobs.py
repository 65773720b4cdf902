"""What the chaos test asks for: jobs with what is to become of each, asked for again and again until it is heard."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from chaos_world import ZONE, World
from stager.v1 import job_pb2
from stager_client import StagerClient, state_name
from stager_client.errors import NotFoundError, StagerError, UnavailableError, WrongStateError

T = TypeVar("T")


class Fate(Enum):
    """What is asked of a job beside running it."""

    RUN = "run"
    REPEAT = "repeat"
    """Its submit is repeated, sealed anew."""
    STOP = "stop"
    RESTART = "restart"
    """Stopped, then restarted."""
    DELETE = "delete"


@dataclass
class Wish:
    """A job that is wanted."""

    number: int
    user: str
    upload: bool
    fate: Fate
    content: dict[str, bytes]
    job_id: str = ""
    stopped: bool = False
    """Whether a stop was accepted."""

    @property
    def collection(self) -> str:
        """In the zone: where it goes to, or comes from."""
        name = f"job-{self.number}" if self.upload else "seed"
        return f"/{ZONE}/home/{self.user}/{name}"


@dataclass
class Wishes:
    """All jobs of a run, their data, and the threads that ask for them."""

    world: World
    seed: int
    count: int
    deadline: float
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Decide, by the seed alone, what each job is and what becomes of it."""
        dice = random.Random(self.seed)
        seeds = {user: _content(dice, 4) for user in self.world.users}
        fates = [Fate.RUN] * 60 + [Fate.REPEAT] * 15 + [Fate.STOP] * 10 + [Fate.RESTART] * 10 + [Fate.DELETE] * 5
        self.all = []
        for number in range(self.count):
            user = self.world.users[number % len(self.world.users)]
            upload = dice.random() < 0.7
            content = _content(dice, 3) if upload else seeds[user]
            self.all.append(Wish(number, user, upload, dice.choice(fates), content))
        self._seeds = seeds
        self.submitted = threading.Event()

    def local(self, wish: Wish) -> Path:
        """The local side of a job."""
        return self.world.root / "project" / wish.user / f"job-{wish.number}"

    def prepare(self) -> None:
        """Write all sources."""
        for user in self.world.users:
            folder = self.world.root / "project" / user
            folder.mkdir()
            collection = f"/{ZONE}/home/{user}/seed"
            self.world.zone.make_collection(user, collection, parents=True)
            for name, data in self._seeds[user].items():
                self.world.zone.make_collection(user, f"{collection}/{name}".rpartition("/")[0], parents=True)
                with self.world.zone.write(user, f"{collection}/{name}") as target:
                    target.write(data)
        for wish in self.all:
            if wish.upload:
                for name, data in wish.content.items():
                    path = self.local(wish) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
        for user in self.world.users:
            folder = self.world.root / "project" / user
            for path in [folder, *folder.rglob("*")]:
                shutil.chown(path, user, user)
            folder.chmod(0o700)

    def submit_all(self) -> None:
        """For a thread: submit each, one by one or in batches, then let the others know."""
        try:
            dice = random.Random(self.seed + 1)
            with self.world.client() as client:
                waiting = list(self.all)
                while waiting:
                    batch, waiting = waiting[:10], waiting[10:]
                    if dice.random() < 0.5:
                        for wish in batch:
                            self._submit(client, wish)
                    else:
                        self._submit_batch(client, batch)
        except BaseException as error:  # noqa: BLE001 - the test's main thread tells
            self.errors.append(f"submitting: {error!r}")
        finally:
            self.submitted.set()

    def meddle(self, part: int, parts: int) -> None:
        """For a thread: stop, restart, delete and repeat its share of the jobs, each at some moment of its life."""
        dice = random.Random(self.seed + 2 + part)
        with self.world.client() as client:
            for wish in self.all[part::parts]:
                if wish.fate is Fate.RUN:
                    continue
                try:
                    while not wish.job_id and not self.errors:
                        time.sleep(0.05)
                    time.sleep(dice.random() * 0.8)
                    self._meddle(client, wish)
                except BaseException as error:  # noqa: BLE001 - as above
                    self.errors.append(f"{wish.fate.value} of job {wish.number}: {error!r}")
                    return

    def _meddle(self, client: StagerClient, wish: Wish) -> None:
        match wish.fate:
            case Fate.REPEAT:
                first = wish.job_id
                self._submit(client, wish)
                assert wish.job_id == first, "a repeat made another job"
            case Fate.STOP:
                wish.stopped = self._stop(client, wish)
            case Fate.RESTART:
                wish.stopped = self._stop(client, wish)
                if wish.stopped and self._ended(client, wish) == "stopped":
                    self._restart(client, wish)
            case Fate.DELETE:
                self._until_heard(lambda: _but(NotFoundError, lambda: client.delete(wish.job_id)))
            case Fate.RUN:
                pass

    def _stop(self, client: StagerClient, wish: Wish) -> bool:
        """Whether it was accepted; a job that has completed can't be stopped."""
        return self._until_heard(lambda: _but(WrongStateError, lambda: client.stop(wish.job_id)) is not None)

    def _restart(self, client: StagerClient, wish: Wish) -> None:
        password = self.world.zone_passwords[wish.user]
        # An answer may be lost with the API: then the job waits or runs already, which is what was wanted.
        self._until_heard(lambda: _but(WrongStateError, lambda: client.restart(wish.job_id, password=password)))

    def _ended(self, client: StagerClient, wish: Wish) -> str:
        while True:
            job = self._until_heard(lambda: client.get(wish.job_id))
            if state_name(job.state) in {"completed", "failed", "stopped"}:
                return state_name(job.state)
            time.sleep(0.3)

    def _submit(self, client: StagerClient, wish: Wish) -> None:
        job = self._until_heard(lambda: client.submit(self._task(wish), request_id=f"{self.seed}-{wish.number}"))
        wish.job_id = job.id

    def _submit_batch(self, client: StagerClient, batch: list[Wish]) -> None:
        outcomes: list[Any] = self._until_heard(
            lambda: client.submit_many(
                [self._task(wish) for wish in batch], request_id=f"{self.seed}-{batch[0].number}"
            )
        )
        for wish, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, job_pb2.Job):
                wish.job_id = outcome.id
            if wish.fate is Fate.REPEAT:
                wish.fate = Fate.RUN  # its request id is the batch's

    def _task(self, wish: Wish) -> dict[str, Any]:
        local, remote = str(self.local(wish)), f"i:{wish.collection}"
        return {
            "title": f"job {wish.number}",
            "drUser": wish.user,
            "drPass": self.world.zone_passwords[wish.user],
            "srcURL": local if wish.upload else remote,
            "dstURL": remote if wish.upload else local,
            "stagerUser": wish.user,
        }

    def _until_heard(self, ask: Callable[[], T]) -> T:
        while True:
            try:
                return ask()
            except UnavailableError:
                assert time.monotonic() < self.deadline, "nobody answers"
                time.sleep(0.2)

    def arrived(self, wish: Wish) -> dict[str, str]:
        """What is at a job's destination: the checksum of each file."""
        if wish.upload:
            return {name: _digest(data) for name, data in _tree(self.world, wish.user, wish.collection, "").items()}
        folder = self.local(wish)
        found = {}
        for path in folder.rglob("*"):
            if path.is_file():
                found[str(path.relative_to(folder))] = _digest(path.read_bytes())
        return found

    def sent(self, wish: Wish) -> dict[str, str]:
        """What is to be at a job's destination."""
        return {name: _digest(data) for name, data in wish.content.items()}


def _but(kind: type[StagerError], ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except kind:
        return None


def _tree(world: World, user: str, collection: str, below: str) -> dict[str, bytes]:
    found = {}
    for entry in world.zone.list(user, collection):
        name = f"{below}{entry.name}"
        if entry.checksum or world.zone.physical_path(user, entry.path):
            with world.zone.read(user, entry.path) as source:
                found[name] = source.read()
        else:
            found |= _tree(world, user, entry.path, f"{name}/")
    return found


def _content(dice: random.Random, count: int) -> dict[str, bytes]:
    names = ["a.bin", "b/c.bin", "b/d e.bin", "empty"]
    return {name: b"" if name == "empty" else dice.randbytes(dice.randrange(1, 200_000)) for name in names[:count]}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
