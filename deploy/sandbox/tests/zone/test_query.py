"""GenQuery through python-irodsclient: paging, conditions, order, counts."""

from collections.abc import Callable

import pytest
from irods import exception
from irods.access import iRODSAccess
from irods.column import Between, In, Like, NotLike
from irods.meta import iRODSMeta
from irods.models import Collection, DataObject, DataObjectMeta, User
from irods.query import SpecificQuery
from irods.session import iRODSSession
from stager_sandbox.zone import Zone


@pytest.fixture
def many(zone: Zone, project: str) -> str:
    """A collection with 600 objects in it."""
    path = f"{project}/many"
    zone.files.make_collection("alice", path)
    for number in range(600):
        with zone.files.write("alice", f"{path}/f{number:04}") as file:
            file.write(b"x" * (number % 3))
    return path


def test_pages_give_every_row_once_and_in_order(alice: iRODSSession, many: str) -> None:
    """600 rows come in pages, by name."""
    rows = [row[DataObject.name] for row in alice.query(DataObject.name).filter(Collection.name == many)]
    assert rows == [f"f{number:04}" for number in range(600)]


def test_abandoned_pages_do_not_freeze_what_is_seen(alice: iRODSSession, zone: Zone, many: str) -> None:
    """A query left half-read does not keep the same connection from seeing what came later."""
    next(iter(alice.query(DataObject.name).filter(Collection.name == many)))
    with zone.files.write("alice", f"{many}/later"):
        pass
    assert alice.query(DataObject.name).filter(DataObject.name == "later").first()


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        (DataObject.name == "f0001", 1),
        (DataObject.name != "f0001", 599),
        (DataObject.size > 1, 200),
        (DataObject.size < 1, 200),
        (Like(DataObject.name, "f00%"), 100),
        (Like(DataObject.name, "F00%"), 0),
        (NotLike(DataObject.name, "f00%"), 500),
        (In(DataObject.name, ["f0001", "f0002", "none"]), 2),
        (Between(DataObject.size, ("1", "2")), 400),
    ],
)
def test_conditions(alice: iRODSSession, many: str, condition: object, count: int) -> None:
    """Each kind of condition picks what it should."""
    query = alice.query(DataObject.name).filter(Collection.name == many).filter(condition)
    assert len(list(query)) == count


def test_aggregates(alice: iRODSSession, many: str) -> None:
    """Counts and sums are over the rows, grouped by what else is selected."""
    row = alice.query().count(DataObject.id).sum(DataObject.size).filter(Collection.name == many).one()
    assert (row[DataObject.id], row[DataObject.size]) == (600, 600)


def test_order_and_limit(alice: iRODSSession, many: str) -> None:
    """An asked-for order comes before the natural one, and a limit cuts."""
    query = alice.query(DataObject.name).filter(Collection.name == many).order_by(DataObject.name, order="desc")
    assert [row[DataObject.name] for row in query.limit(2).execute()] == ["f0599", "f0598"]


def test_metadata_is_found_by_value(alice: iRODSSession, many: str) -> None:
    """An AVU on an object leads to it."""
    alice.data_objects.get(f"{many}/f0003").metadata.add("colour", "red", "hue")
    query = alice.query(DataObject.name).filter(DataObjectMeta.name == "colour", DataObjectMeta.value == "red")
    assert [row[DataObject.name] for row in query] == ["f0003"]


def test_access_lists_are_read_and_set(alice: iRODSSession, bob: iRODSSession, many: str) -> None:
    """A granted reader sees the object and is on its list; taken away, it is gone again."""
    path = f"{many}/f0001"
    alice.acls.set(iRODSAccess("read", path, "bob"))
    listed = {(each.user_name, each.access_name) for each in alice.acls.get(alice.data_objects.get(path))}
    assert listed == {("alice", "own"), ("bob", "read_object")}
    seen = bob.query(DataObject.name).filter(DataObject.name == "f0001")
    assert len(list(seen)) == 1
    alice.acls.set(iRODSAccess("null", path, "bob"))
    assert not list(seen)


def test_users_are_listed(alice: iRODSSession) -> None:
    """Users and groups can be asked for."""
    found = {row[User.name]: row[User.type] for row in alice.query(User.name, User.type)}
    assert found["alice"] == "rodsuser"
    assert found["public"] == "rodsgroup"
    assert found["rods"] == "rodsadmin"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select DATA_NAME where COLL_NAME = '{}' and DATA_NAME in ('f0002','f0001') order by DATA_NAME", 2),
        ("select DATA_NAME where COLL_NAME = '{}'", 256),
        ("select DATA_NAME where COLL_NAME = '{}' limit 7 offset 595", 5),
        ("select distinct DATA_SIZE where COLL_NAME = '{}'", 3),
        ("select DATA_SIZE, count(DATA_ID) where COLL_NAME = '{}' group by DATA_SIZE", 3),
        ("select DATA_NAME where COLL_NAME = '{}' and (DATA_NAME = 'f0001' or not DATA_NAME like 'f0%')", 1),
        ("select DATA_NAME where COLL_NAME = '{}' and DATA_NAME between 'f0001' and 'f0004'", 4),
        ("select DATA_NAME where COLL_NAME = '{}' and DATA_NAME = 'it''s'", 0),
    ],
)
def test_queries_in_words(alice: iRODSSession, many: str, query: str, rows: int) -> None:
    """GenQuery2 gives the rows that SQL would, 256 unless told."""
    assert len(alice.genquery2(query.format(many))) == rows


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("selec DATA_NAME", exception.SYS_LIBRARY_ERROR),
        ("select DATA_NAME where", exception.SYS_LIBRARY_ERROR),
        ("select DATA_NAME; drop table r_data_main", exception.SYS_LIBRARY_ERROR),
        ("select load_extension('x')", exception.SYS_LIBRARY_ERROR),
        ("select NONSENSE", exception.SYS_INVALID_INPUT_PARAM),
    ],
)
def test_queries_in_words_that_make_no_sense(alice: iRODSSession, query: str, code: type[Exception]) -> None:
    """What cannot be understood is refused with the real server's code, and nothing is done."""
    with pytest.raises(code):
        alice.genquery2(query)


def test_queries_in_words_show_only_what_one_may_read(bob: iRODSSession, many: str) -> None:
    """Another's objects are not there."""
    assert bob.genquery2(f"select DATA_NAME where COLL_NAME = '{many}'") == []


def test_specific_queries_are_run_by_name(connect: Callable[..., iRODSSession], many: str) -> None:
    """An administrator's query is run by its name, and can only read."""
    rods = connect("rods", "rodspw")
    query = SpecificQuery(rods, "select data_name from r_data_main where data_size = ?", "sized", args=["2"])
    query.register()
    assert len(list(query)) == 200
    query.remove()
    with pytest.raises(exception.CAT_UNKNOWN_SPECIFIC_QUERY):
        list(query)
    assert many


def test_genquery2_gives_what_has_no_avu_a_row_too(alice: iRODSSession, project: str) -> None:
    """With empty AVUs, after those that have some; a column beside a count has to be grouped by."""
    for name in ("with", "without"):
        alice.data_objects.create(f"{project}/{name}")
    alice.metadata.add(DataObject, f"{project}/with", iRODSMeta("k", "v"))
    found = alice.genquery2(
        f"select DATA_NAME, META_DATA_ATTR_NAME where COLL_NAME = '{project}' order by META_DATA_ATTR_NAME"
    )
    assert found == [["with", "k"], ["without", ""]]
    with pytest.raises(exception.SYS_LIBRARY_ERROR):
        alice.genquery2(f"select DATA_NAME, count(DATA_ID) where COLL_NAME = '{project}'")
    assert alice.genquery2(f"select concat(COLL_NAME, '/x') where COLL_NAME = '{project}'") == [[f"{project}/x"]]
