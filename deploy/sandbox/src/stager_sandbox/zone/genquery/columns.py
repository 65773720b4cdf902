"""GenQuery's numbered columns, the tables they stand in, and how the tables join."""

from dataclasses import dataclass
from typing import Final

from stager_sandbox.zone.catalogue.catalogue import RESOURCE, VAULT
from stager_sandbox.zone.errors import Code, ZoneError

TABLES: Final = {
    "z": "r_zone_main",
    "k": "r_tokn_main",
    "r": "r_resc_main",
    "rm": "r_objt_metamap",
    "rmm": "r_meta_main",
    "u": "r_user_main",
    "ux": "r_user_auth",
    "um": "r_objt_metamap",
    "umm": "r_meta_main",
    "ug": "r_user_group",
    "g": "r_user_main",
    "d": "r_data_main",
    "da": "r_objt_access",
    "dt": "r_tokn_main",
    "dg": "r_user_group",
    "du": "r_user_main",
    "dm": "r_objt_metamap",
    "dmm": "r_meta_main",
    "c": "r_coll_main",
    "ca": "r_objt_access",
    "ct": "r_tokn_main",
    "cg": "r_user_group",
    "cu": "r_user_main",
    "cm": "r_objt_metamap",
    "cmm": "r_meta_main",
    "t": "r_ticket_main",
    "th": "r_ticket_allowed_hosts",
    "tu": "r_ticket_allowed_users",
    "tg": "r_ticket_allowed_groups",
    "tw": "r_user_main",
    "tc": "r_coll_main",
    "td": "r_coll_main",
    "q": "r_quota_main",
    "qs": "r_quota_usage",
    "qu": "r_user_main",
    "qr": "r_resc_main",
    "x": "r_rule_exec",
}
"""Aliases and their tables."""

JOINS: Final = (
    ("c", "d", "c.coll_id = d.coll_id"),
    ("d", "r", "d.resc_id = r.resc_id"),
    ("d", "dm", "d.data_id = dm.object_id"),
    ("dm", "dmm", "dm.meta_id = dmm.meta_id"),
    ("d", "da", "d.data_id = da.object_id"),
    ("da", "dt", "da.access_type_id = dt.token_id AND dt.token_namespace = 'access_type'"),
    ("da", "dg", "da.user_id = dg.group_user_id"),
    ("dg", "du", "dg.user_id = du.user_id"),
    ("da", "u", "da.user_id = u.user_id"),
    ("c", "cm", "c.coll_id = cm.object_id"),
    ("cm", "cmm", "cm.meta_id = cmm.meta_id"),
    ("c", "ca", "c.coll_id = ca.object_id"),
    ("ca", "ct", "ca.access_type_id = ct.token_id AND ct.token_namespace = 'access_type'"),
    ("ca", "cg", "ca.user_id = cg.group_user_id"),
    ("cg", "cu", "cg.user_id = cu.user_id"),
    ("u", "um", "u.user_id = um.object_id"),
    ("um", "umm", "um.meta_id = umm.meta_id"),
    ("u", "ug", "u.user_id = ug.user_id"),
    ("u", "ux", "u.user_id = ux.user_id"),
    ("ug", "g", "ug.group_user_id = g.user_id"),
    ("r", "rm", "r.resc_id = rm.object_id"),
    ("rm", "rmm", "rm.meta_id = rmm.meta_id"),
    ("t", "th", "t.ticket_id = th.ticket_id"),
    ("t", "tu", "t.ticket_id = tu.ticket_id"),
    ("t", "tg", "t.ticket_id = tg.ticket_id"),
    ("t", "tw", "t.user_id = tw.user_id"),
    ("t", "d", "t.object_id = d.data_id"),
    ("t", "tc", "t.object_id = tc.coll_id"),
    ("d", "td", "d.coll_id = td.coll_id"),
    ("q", "qu", "q.user_id = qu.user_id"),
    ("q", "qr", "q.resc_id = qr.resc_id"),
    ("qs", "qu", "qs.user_id = qu.user_id"),
    ("qs", "qr", "qs.resc_id = qr.resc_id"),
)
"""Pairs of aliases and the condition that joins them, as the real catalogue's foreign keys do."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its table's alias, and the SQL for its value."""

    alias: str
    sql: str


def _run(alias: str, first: int, names: str) -> dict[int, Column]:
    """Columns of one table under numbers that follow each other; ``-`` skips a number."""
    found = {}
    for number, name in enumerate(names.split(), first):
        if name != "-":
            found[number] = Column(alias, f"{alias}.{name}")
    return found


_DATA_PATH: Final = (
    f"(SELECT '{VAULT}' || substr(o.coll_name, instr(substr(o.coll_name, 2) || '/', '/') + 1) FROM r_coll_main o"  # noqa: S608 - constants
    " WHERE o.coll_id = d.coll_id) || '/' || d.data_name"
)

COLUMNS: Final[dict[int, Column]] = {
    **_run("z", 101, "zone_id zone_name zone_type_name zone_conn_string r_comment create_ts modify_ts"),
    **_run("u", 201, "user_id user_name user_type_name zone_name r_comment user_info r_comment create_ts modify_ts"),
    **_run("r", 301, "resc_id resc_name zone_name resc_type_name resc_class_name resc_net resc_def_path free_space"),
    **_run("r", 309, "resc_info r_comment create_ts modify_ts resc_status free_space_ts resc_children resc_context"),
    **_run("r", 317, "resc_parent resc_parent_context"),
    **_run("d", 401, "data_id coll_id data_name data_repl_num data_version data_type_name data_size"),
    409: Column("d", f"'{RESOURCE}'"),
    410: Column("d", _DATA_PATH),
    **_run("d", 411, "data_owner_name data_owner_zone data_is_dirty data_status data_checksum data_expiry_ts"),
    **_run("d", 417, "data_map_id r_comment create_ts modify_ts data_mode"),
    422: Column("d", f"'{RESOURCE}'"),
    **_run("d", 423, "resc_id access_ts"),
    **_run("c", 500, "coll_id coll_name parent_coll_name coll_owner_name coll_owner_zone coll_map_id"),
    **_run("c", 506, "coll_inheritance r_comment create_ts modify_ts coll_type coll_info1 coll_info2"),
    620: Column("cmm", "cmm.meta_namespace"),
    621: Column("dmm", "dmm.meta_namespace"),
    622: Column("rmm", "rmm.meta_namespace"),
    623: Column("umm", "umm.meta_namespace"),
    **_run("dmm", 600, "meta_attr_name meta_attr_value meta_attr_unit meta_id create_ts modify_ts"),
    **_run("cmm", 610, "meta_attr_name meta_attr_value meta_attr_unit meta_id create_ts modify_ts"),
    **_run("rmm", 630, "meta_attr_name meta_attr_value meta_attr_unit meta_id create_ts modify_ts"),
    **_run("umm", 640, "meta_attr_name meta_attr_value meta_attr_unit meta_id create_ts modify_ts"),
    **_run("da", 700, "access_type_id"),
    **_run("dt", 701, "token_name token_namespace"),
    **_run("da", 703, "user_id object_id"),
    **_run("ca", 710, "access_type_id"),
    **_run("ct", 711, "token_name token_namespace"),
    **_run("ca", 713, "user_id object_id"),
    900: Column("ug", "ug.group_user_id"),
    901: Column("g", "g.user_name"),
    **_run("x", 1000, "rule_exec_id rule_name rei_file_path user_name exe_address exe_time exe_frequency priority"),
    **_run("x", 1008, "estimated_exe_time notification_addr last_exe_time exe_status exe_context lock_host"),
    **_run("x", 1014, "lock_host_pid lock_ts"),
    **_run("k", 1100, "token_namespace token_id token_name token_value token_value2 token_value3 r_comment"),
    **_run("k", 1107, "create_ts modify_ts"),
    **_run("cu", 1300, "user_name zone_name"),
    **_run("du", 1310, "user_name zone_name"),
    **_run("ux", 1600, "user_id user_auth_name"),
    **_run("q", 2000, "user_id resc_id quota_limit quota_over modify_ts"),
    **_run("qs", 2010, "user_id resc_id quota_usage modify_ts"),
    2020: Column("qr", "qr.resc_name"),
    **_run("qu", 2021, "user_name zone_name user_type_name"),
    **_run("t", 2200, "ticket_id ticket_string ticket_type user_id object_id object_type uses_limit uses_count"),
    **_run("t", 2208, "ticket_expiry_ts create_ts modify_ts write_file_count write_file_limit write_byte_count"),
    2214: Column("t", "t.write_byte_limit"),
    **_run("th", 2220, "ticket_id host"),
    **_run("tu", 2222, "ticket_id user_name"),
    **_run("tg", 2224, "ticket_id group_name"),
    2226: Column("d", "d.data_name"),
    2227: Column("td", "td.coll_name"),
    2228: Column("tc", "tc.coll_name"),
    **_run("tw", 2229, "user_name zone_name"),
}


_NAMES: Final = {
    **dict(zip(["ZONE_ID", "ZONE_NAME", "ZONE_TYPE", "ZONE_CONNECTION", "ZONE_COMMENT"], range(101, 106), strict=True)),
    **dict(zip(["USER_ID", "USER_NAME", "USER_TYPE", "USER_ZONE"], range(201, 205), strict=True)),
    **dict(zip(["USER_INFO", "USER_COMMENT", "USER_CREATE_TIME", "USER_MODIFY_TIME"], range(206, 210), strict=True)),
    "RESC_ID": 301,
    "RESC_NAME": 302,
    "RESC_ZONE_NAME": 303,
    "RESC_TYPE_NAME": 304,
    "RESC_CLASS_NAME": 305,
    "RESC_HOSTNAME": 306,
    "RESC_VAULT_PATH": 307,
    "RESC_FREE_SPACE": 308,
    "RESC_INFO": 309,
    "RESC_COMMENT": 310,
    "RESC_CREATE_TIME": 311,
    "RESC_MODIFY_TIME": 312,
    "RESC_STATUS": 313,
    "RESC_FREE_SPACE_TIME": 314,
    "RESC_CHILDREN": 315,
    "RESC_CONTEXT": 316,
    "RESC_PARENT_ID": 317,
    "RESC_PARENT_CONTEXT": 318,
    "DATA_ID": 401,
    "DATA_COLL_ID": 402,
    "DATA_NAME": 403,
    "DATA_REPL_NUM": 404,
    "DATA_VERSION": 405,
    "DATA_TYPE_NAME": 406,
    "DATA_SIZE": 407,
    "DATA_PATH": 410,
    "DATA_REPL_STATUS": 413,
    "DATA_STATUS": 414,
    "DATA_CHECKSUM": 415,
    "DATA_EXPIRY": 416,
    "DATA_MAP_ID": 417,
    "DATA_COMMENTS": 418,
    "DATA_CREATE_TIME": 419,
    "DATA_MODIFY_TIME": 420,
    "DATA_MODE": 421,
    "DATA_RESC_HIER": 422,
    "DATA_RESC_ID": 423,
    "DATA_ACCESS_TIME": 424,
    "COLL_ID": 500,
    "COLL_NAME": 501,
    "COLL_PARENT_NAME": 502,
    "COLL_MAP_ID": 505,
    "COLL_INHERITANCE": 506,
    "COLL_COMMENTS": 507,
    "COLL_CREATE_TIME": 508,
    "COLL_MODIFY_TIME": 509,
    "COLL_TYPE": 510,
    "COLL_INFO1": 511,
    "COLL_INFO2": 512,
    **{
        f"META_{what}_{name}": first + number
        for what, first in {"DATA": 600, "COLL": 610, "RESC": 630, "USER": 640}.items()
        for number, name in enumerate(
            ("ATTR_NAME", "ATTR_VALUE", "ATTR_UNITS", "ATTR_ID", "CREATE_TIME", "MODIFY_TIME")
        )
    },
    "DATA_ACCESS_PERM_ID": 700,
    "DATA_ACCESS_PERM_NAME": 701,
    "DATA_ACCESS_USER_ID": 703,
    "COLL_ACCESS_PERM_ID": 710,
    "COLL_ACCESS_PERM_NAME": 711,
    "COLL_ACCESS_USER_ID": 713,
    "DATA_ACCESS_USER_NAME": 1310,
    "DATA_ACCESS_USER_ZONE": 1311,
    "COLL_ACCESS_USER_NAME": 1300,
    "COLL_ACCESS_USER_ZONE": 1301,
    "GROUP_ID": 900,
    "USER_DN": 1601,
}
NAMED_COLUMNS: Final[dict[str, Column]] = {
    **{name: COLUMNS[number] for name, number in _NAMES.items()},
    "GROUP_MEMBER_ID": Column("ug", "ug.user_id"),
}
"""The columns of GenQuery2, by name."""


def column(number: int) -> Column:
    """The column of that number.

    Raises:
        ZoneError: CAT_UNKNOWN_TABLE.
    """
    try:
        return COLUMNS[number]
    except KeyError:
        raise ZoneError(Code.CAT_UNKNOWN_TABLE) from None


def join(wanted: list[str]) -> tuple[list[str], list[str]]:
    """All aliases needed to connect those wanted, and the conditions that do it.

    Raises:
        ZoneError: CAT_FAILED_TO_LINK_TABLES when they have nothing to do with each other.
    """
    joined = wanted[:1]
    conditions: list[str] = []
    for goal in wanted[1:]:
        for link in _route(joined, goal):
            alias, condition = link
            if alias not in joined:
                joined.append(alias)
                conditions.append(condition)
    return joined, conditions


def _route(joined: list[str], goal: str) -> list[tuple[str, str]]:
    """The shortest chain of joins from any alias already joined to the goal."""
    if goal in joined:
        return []
    routes: list[tuple[str, list[tuple[str, str]]]] = [(alias, []) for alias in joined]
    seen = set(joined)
    while routes:
        at, so_far = routes.pop(0)
        for left, right, condition in JOINS:
            other = right if left == at else left if right == at else ""
            if not other or other in seen:
                continue
            route = [*so_far, (other, condition)]
            if other == goal:
                return route
            seen.add(other)
            routes.append((other, route))
    raise ZoneError(Code.CAT_FAILED_TO_LINK_TABLES)


OF_AVUS: Final = frozenset([*range(600, 603), *range(610, 613)])
"""The columns of which several conditions mean several AVUs, not several things about one."""


def again(number: int, time: int, joined: list[str], conditions: list[str]) -> str:
    """Join the AVUs once more, for a column's second, third … condition; the SQL of the column there.

    Args:
        number: The column's number.
        time: Which of its conditions it is.
        joined: The aliases joined, to which those needed are added.
        conditions: What joins them, likewise.
    """
    item, of = ("d", "d.data_id") if number < 610 else ("c", "c.coll_id")
    map_alias, alias = f"{item}m{time}", f"{item}mm{time}"
    if alias not in joined:
        joined += [map_alias, alias]
        conditions += [f"{of} = {map_alias}.object_id", f"{map_alias}.meta_id = {alias}.meta_id"]
    return f"{alias}.{COLUMNS[number].sql.split('.')[1]}"
