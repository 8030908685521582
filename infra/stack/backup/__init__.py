"""Backup and restore of what a stack keeps: streams, state, vectors, objects; through the servers' own interfaces.

So it works alike for a local data folder and for clusters reached by URL, and a backup of the one fits the other.

A backup is one cut through all of it: consumers are paused, what is in a function's hands is waited for, then
streams and state are taken, vectors and objects after them. An event that was acknowledged in the stream's copy
therefore has its effects in the copies made later; one that was not is delivered again after a restore, and
functions tolerate that. Secrets are no part of it.
"""

from infra.stack.backup.archive import BackupError, reading, writing
from infra.stack.backup.run import backup, restore

__all__ = ["BackupError", "backup", "reading", "restore", "writing"]
