"""How a registry's database becomes what this release reads: alembic's revisions, run at start.

A database from before there were migrations has the tables of revision 0001 and no mark.
"""
