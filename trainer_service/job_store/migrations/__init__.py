"""How a job database becomes what this release reads: alembic's revisions, run at start.

The first release wrote schema 0002 itself; a database of that schema is migrated from there.
"""
