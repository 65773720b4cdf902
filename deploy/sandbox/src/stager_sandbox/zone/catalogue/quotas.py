"""Quotas: how many bytes a user's, or a group's, data objects may take in all."""

from stager_sandbox.zone.catalogue.database import Database, now
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError

TOTAL = 0
"""Stands where a resource's id would: the quota is on all resources together."""


class Quotas:
    """The part of the catalogue that knows quotas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, user_id: int, resource_id: int, limit: int) -> None:
        """Set a quota in bytes; 0 takes it away."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_quota_main WHERE user_id = ? AND resc_id = ?", (user_id, resource_id))
            if limit > 0:
                connection.execute(
                    "INSERT INTO r_quota_main VALUES (?, ?, ?, ?, ?)",
                    (user_id, resource_id, limit, self._used(user_id) - limit, now()),
                )

    def calculate(self) -> None:
        """Record what everyone uses, and how far that is over their quotas."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_quota_usage")
            connection.execute(
                "INSERT INTO r_quota_usage SELECT sum(data_size), resc_id, user_id, ? FROM r_data_main JOIN r_user_main"
                " ON user_name = data_owner_name AND zone_name = data_owner_zone GROUP BY resc_id, user_id",
                (now(),),
            )
            for user_id, limit in connection.execute("SELECT user_id, quota_limit FROM r_quota_main").fetchall():
                connection.execute(
                    "UPDATE r_quota_main SET quota_over = ?, modify_ts = ? WHERE user_id = ?",
                    (self._used(user_id) - limit, now(), user_id),
                )

    def require(self, user: User, size: int) -> None:
        """Refuse `size` more bytes when they do not fit; what takes no more room always does.

        Raises:
            ZoneError: SYS_RESC_QUOTA_EXCEEDED.
        """
        if size <= 0:
            return
        marks = ",".join("?" * len(user.group_ids))
        rows = self._database.connection.execute(
            f"SELECT user_id, min(quota_limit) FROM r_quota_main WHERE user_id IN ({marks}) GROUP BY user_id",  # noqa: S608 - only marks
            user.group_ids,
        ).fetchall()
        for user_id, limit in rows:
            if self._used(user_id) + size > limit:
                raise ZoneError(Code.SYS_RESC_QUOTA_EXCEEDED)

    def _used(self, user_id: int) -> int:
        (used,) = self._database.connection.execute(
            "SELECT coalesce(sum(data_size), 0) FROM r_data_main JOIN r_user_main u ON u.user_name = data_owner_name"
            " AND u.zone_name = data_owner_zone WHERE u.user_id IN"
            " (SELECT user_id FROM r_user_group WHERE group_user_id = ?)",
            (user_id,),
        ).fetchone()
        return int(used)
