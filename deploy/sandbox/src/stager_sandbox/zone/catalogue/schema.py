"""The catalogue's tables. They bear the names and columns of the real catalogue, since GenQuery speaks of those."""

from typing import Final

FIRST_ID: Final = 10000

ACCESS: Final = {
    "null": 1000,
    "execute": 1010,
    "read_annotation": 1020,
    "read_system_metadata": 1030,
    "read_metadata": 1040,
    "read_object": 1050,
    "write_annotation": 1060,
    "create_metadata": 1070,
    "modify_metadata": 1080,
    "delete_metadata": 1090,
    "administer_object": 1100,
    "create_object": 1110,
    "modify_object": 1120,
    "delete_object": 1130,
    "create_token": 1140,
    "delete_token": 1150,
    "curate": 1160,
    "own": 1200,
}
"""Levels of access by name; a level includes those below it."""

READ: Final = ACCESS["read_object"]
READ_METADATA: Final = ACCESS["read_metadata"]
CREATE_METADATA: Final = ACCESS["create_metadata"]
DELETE_METADATA: Final = ACCESS["delete_metadata"]
MODIFY_METADATA: Final = ACCESS["modify_metadata"]
MODIFY: Final = ACCESS["modify_object"]
DELETE: Final = ACCESS["delete_object"]
OWN: Final = ACCESS["own"]

TABLES: Final = """
CREATE TABLE IF NOT EXISTS r_objectid (next_id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS r_zone_main (
    zone_id INTEGER PRIMARY KEY, zone_name TEXT NOT NULL UNIQUE, zone_type_name TEXT NOT NULL DEFAULT 'local',
    zone_conn_string TEXT NOT NULL DEFAULT '', r_comment TEXT NOT NULL DEFAULT '', create_ts TEXT, modify_ts TEXT);
CREATE TABLE IF NOT EXISTS r_user_main (
    user_id INTEGER PRIMARY KEY, user_name TEXT NOT NULL, user_type_name TEXT NOT NULL, zone_name TEXT NOT NULL,
    user_info TEXT NOT NULL DEFAULT '', r_comment TEXT NOT NULL DEFAULT '', create_ts TEXT, modify_ts TEXT,
    UNIQUE (user_name, zone_name));
CREATE TABLE IF NOT EXISTS r_user_password (user_id INTEGER PRIMARY KEY, rcat_password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS r_user_group (
    group_user_id INTEGER NOT NULL, user_id INTEGER NOT NULL, create_ts TEXT, modify_ts TEXT,
    PRIMARY KEY (group_user_id, user_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idx_user_group ON r_user_group (user_id);
CREATE TABLE IF NOT EXISTS r_resc_main (
    resc_id INTEGER PRIMARY KEY, resc_name TEXT NOT NULL UNIQUE, zone_name TEXT NOT NULL,
    resc_type_name TEXT NOT NULL DEFAULT 'unixfilesystem', resc_class_name TEXT NOT NULL DEFAULT 'cache',
    resc_net TEXT NOT NULL DEFAULT 'localhost', resc_def_path TEXT NOT NULL, free_space TEXT DEFAULT '',
    free_space_ts TEXT DEFAULT '', resc_info TEXT DEFAULT '', r_comment TEXT DEFAULT '', resc_status TEXT DEFAULT '',
    resc_children TEXT DEFAULT '', resc_context TEXT DEFAULT '', resc_parent TEXT DEFAULT '',
    resc_parent_context TEXT DEFAULT '', create_ts TEXT, modify_ts TEXT);
CREATE TABLE IF NOT EXISTS r_coll_main (
    coll_id INTEGER PRIMARY KEY, parent_coll_name TEXT NOT NULL, coll_name TEXT NOT NULL UNIQUE,
    coll_owner_name TEXT NOT NULL, coll_owner_zone TEXT NOT NULL, coll_map_id INTEGER NOT NULL DEFAULT 0,
    coll_inheritance TEXT NOT NULL DEFAULT '', coll_type TEXT NOT NULL DEFAULT '', coll_info1 TEXT NOT NULL DEFAULT '',
    coll_info2 TEXT NOT NULL DEFAULT '', coll_expiry_ts TEXT NOT NULL DEFAULT '', r_comment TEXT NOT NULL DEFAULT '',
    create_ts TEXT, modify_ts TEXT);
CREATE INDEX IF NOT EXISTS idx_coll_parent ON r_coll_main (parent_coll_name, coll_name);
CREATE TABLE IF NOT EXISTS r_data_main (
    data_id INTEGER NOT NULL, coll_id INTEGER NOT NULL, data_name TEXT NOT NULL, data_repl_num INTEGER NOT NULL,
    data_version TEXT NOT NULL DEFAULT '', data_type_name TEXT NOT NULL DEFAULT 'generic',
    data_size INTEGER NOT NULL DEFAULT 0, resc_id INTEGER NOT NULL, data_owner_name TEXT NOT NULL,
    data_owner_zone TEXT NOT NULL, data_is_dirty INTEGER NOT NULL, data_status TEXT NOT NULL DEFAULT '',
    data_checksum TEXT NOT NULL DEFAULT '', data_expiry_ts TEXT NOT NULL DEFAULT '00000000000',
    data_map_id INTEGER NOT NULL DEFAULT 0, data_mode TEXT NOT NULL DEFAULT '', r_comment TEXT NOT NULL DEFAULT '',
    create_ts TEXT, modify_ts TEXT, access_ts TEXT,
    PRIMARY KEY (data_id, data_repl_num), UNIQUE (coll_id, data_name, data_repl_num)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_objt_access (
    object_id INTEGER NOT NULL, user_id INTEGER NOT NULL, access_type_id INTEGER NOT NULL, create_ts TEXT,
    modify_ts TEXT, PRIMARY KEY (object_id, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_tokn_main (
    token_namespace TEXT NOT NULL, token_id INTEGER NOT NULL, token_name TEXT NOT NULL,
    token_value TEXT NOT NULL DEFAULT '', token_value2 TEXT NOT NULL DEFAULT '', token_value3 TEXT NOT NULL DEFAULT '',
    r_comment TEXT NOT NULL DEFAULT '', create_ts TEXT, modify_ts TEXT,
    PRIMARY KEY (token_namespace, token_id, token_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_meta_main (
    meta_id INTEGER PRIMARY KEY, meta_namespace TEXT NOT NULL DEFAULT '', meta_attr_name TEXT NOT NULL,
    meta_attr_value TEXT NOT NULL, meta_attr_unit TEXT NOT NULL, r_comment TEXT NOT NULL DEFAULT '', create_ts TEXT,
    modify_ts TEXT, UNIQUE (meta_attr_name, meta_attr_value, meta_attr_unit));
CREATE TABLE IF NOT EXISTS r_objt_metamap (
    object_id INTEGER NOT NULL, meta_id INTEGER NOT NULL, create_ts TEXT, modify_ts TEXT,
    PRIMARY KEY (object_id, meta_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idx_metamap ON r_objt_metamap (meta_id);
CREATE TABLE IF NOT EXISTS r_user_auth (
    user_id INTEGER NOT NULL, user_auth_name TEXT NOT NULL, PRIMARY KEY (user_id, user_auth_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_ticket_main (
    ticket_id INTEGER PRIMARY KEY, ticket_string TEXT NOT NULL UNIQUE, ticket_type TEXT NOT NULL,
    user_id INTEGER NOT NULL, object_id INTEGER NOT NULL, object_type TEXT NOT NULL,
    uses_limit INTEGER NOT NULL DEFAULT 0, uses_count INTEGER NOT NULL DEFAULT 0,
    write_file_limit INTEGER NOT NULL DEFAULT 10, write_file_count INTEGER NOT NULL DEFAULT 0,
    write_byte_limit INTEGER NOT NULL DEFAULT 0, write_byte_count INTEGER NOT NULL DEFAULT 0,
    ticket_expiry_ts TEXT NOT NULL DEFAULT '', restrictions TEXT NOT NULL DEFAULT '', create_ts TEXT, modify_ts TEXT);
CREATE TABLE IF NOT EXISTS r_ticket_allowed_hosts (
    ticket_id INTEGER NOT NULL, host TEXT NOT NULL, PRIMARY KEY (ticket_id, host)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_ticket_allowed_users (
    ticket_id INTEGER NOT NULL, user_name TEXT NOT NULL, PRIMARY KEY (ticket_id, user_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_ticket_allowed_groups (
    ticket_id INTEGER NOT NULL, group_name TEXT NOT NULL, PRIMARY KEY (ticket_id, group_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_quota_main (
    user_id INTEGER NOT NULL, resc_id INTEGER NOT NULL, quota_limit INTEGER NOT NULL, quota_over INTEGER NOT NULL,
    modify_ts TEXT, PRIMARY KEY (user_id, resc_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_quota_usage (
    quota_usage INTEGER NOT NULL, resc_id INTEGER NOT NULL, user_id INTEGER NOT NULL, modify_ts TEXT,
    PRIMARY KEY (user_id, resc_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS r_specific_query (alias TEXT PRIMARY KEY, sqlstr TEXT NOT NULL, create_ts TEXT);
CREATE TABLE IF NOT EXISTS r_rule_exec (
    rule_exec_id INTEGER PRIMARY KEY, rule_name TEXT, rei_file_path TEXT, user_name TEXT, exe_address TEXT,
    exe_time TEXT, exe_frequency TEXT, priority TEXT, estimated_exe_time TEXT, notification_addr TEXT,
    last_exe_time TEXT, exe_status TEXT, exe_context TEXT, lock_host TEXT, lock_host_pid TEXT, lock_ts TEXT);
"""
