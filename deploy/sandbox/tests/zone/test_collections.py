"""Collections through python-irodsclient, with the real server's answers."""

import pytest
from irods import exception
from irods.session import iRODSSession
from stager_sandbox.zone import Code, Zone, ZoneError


def test_create_is_recursive_and_repeatable(alice: iRODSSession, project: str) -> None:
    """Making a/b/c makes all three, and making it again is fine."""
    for _ in range(2):
        alice.collections.create(f"{project}/a/b/c")
    assert [each.path for each, _, _ in alice.collections.get(project).walk()] == [
        project,
        f"{project}/a",
        f"{project}/a/b",
        f"{project}/a/b/c",
    ]


def test_create_without_parent_is_refused(alice: iRODSSession, project: str) -> None:
    """Without recursion, a missing parent is CAT_UNKNOWN_COLLECTION, and the server names it."""
    with pytest.raises(exception.CAT_UNKNOWN_COLLECTION, match=f"collection '{project}/x/y' is unknown"):
        alice.collections.create(f"{project}/x/y/z", recurse=False)


def test_create_existing_without_recursion_is_refused(alice: iRODSSession, project: str) -> None:
    """Without recursion, one that exists is an error."""
    with pytest.raises(exception.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME):
        alice.collections.create(project, recurse=False)


def test_remove_of_a_full_collection_is_refused(alice: iRODSSession, project: str) -> None:
    """A collection with something in it is CAT_COLLECTION_NOT_EMPTY without recursion."""
    alice.collections.create(f"{project}/a/b")
    with pytest.raises(exception.CAT_COLLECTION_NOT_EMPTY):
        alice.collections.remove(f"{project}/a", recurse=False, force=True)


def test_recursive_removal_reports_on_its_way(alice: iRODSSession, project: str) -> None:
    """Removing more than ten objects goes through the progress reports and leaves nothing."""
    alice.collections.create(f"{project}/a/b")
    for number in range(25):
        alice.data_objects.create(f"{project}/a/b/f{number:02}")
    alice.collections.remove(f"{project}/a", force=True)
    assert not alice.collections.exists(f"{project}/a")


def test_removal_without_force_goes_to_the_trash(alice: iRODSSession, project: str) -> None:
    """What is removed without force is in the user's trash."""
    alice.collections.create(f"{project}/a/b")
    alice.collections.remove(f"{project}/a")
    assert not alice.collections.exists(f"{project}/a")
    trash = "/nl.ru.donders/trash/home/alice" + project.removeprefix("/nl.ru.donders")
    assert alice.collections.exists(f"{trash}/a/b")


def test_rename_takes_everything_along(alice: iRODSSession, project: str) -> None:
    """After a rename all that was below is below the new name, and a sibling with a like name stays."""
    for path in ("a/b/c", "ab"):
        alice.collections.create(f"{project}/{path}")
    alice.data_objects.create(f"{project}/a/b/file")
    alice.collections.move(f"{project}/a", f"{project}/z")
    assert alice.data_objects.exists(f"{project}/z/b/file")
    assert alice.collections.exists(f"{project}/z/b/c")
    assert alice.collections.exists(f"{project}/ab")
    assert not alice.collections.exists(f"{project}/a/b")


def test_collection_cannot_move_into_itself(alice: iRODSSession, project: str) -> None:
    """Moving a into a/b is refused, as is giving it a new name there: by then a has that name, and a/b is gone."""
    alice.collections.create(f"{project}/a/b")
    with pytest.raises(exception.CAT_RECURSIVE_MOVE):
        alice.collections.move(f"{project}/a", f"{project}/a/b")
    with pytest.raises(exception.CAT_UNKNOWN_COLLECTION):
        alice.collections.move(f"{project}/a", f"{project}/a/b/c")


def test_others_see_and_change_nothing(alice: iRODSSession, bob: iRODSSession, project: str) -> None:
    """To one without access a collection is not there, and making one in it is CAT_NO_ACCESS_PERMISSION."""
    alice.collections.create(f"{project}/a")
    with pytest.raises(exception.CollectionDoesNotExist):
        bob.collections.get(f"{project}/a")
    with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION):
        bob.collections.create(f"{project}/a/intruder")


def test_new_name_must_be_free_in_both_collections(zone: Zone, project: str) -> None:
    """As on the real server, which renames where a thing is and then moves it, a name taken in either is refused."""
    files = zone.files
    files.make_collection("alice", f"{project}/to", parents=True)
    for name in ("one", "two"):
        files.write("alice", f"{project}/{name}").close()
    with pytest.raises(ZoneError) as refused:
        files.rename("alice", f"{project}/one", f"{project}/to/two")
    assert refused.value.code == Code.CAT_NAME_EXISTS_AS_DATAOBJ
    files.rename("alice", f"{project}/one", f"{project}/to/one")
    assert files.stat("alice", f"{project}/to/one")
