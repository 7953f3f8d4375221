"""What the way between this machine and a service does to calls: measured, judged, and mended.

`examine` asks the PathService at the other end: `way` opens channels that repeat nothing of
themselves, one file each asks about one thing and judges the answers (`held_streams`,
`repeats`, `sizes`, `pings`, `arrival`, `browsers`, `reach`), `remedies` knows which line is missing
where. Nothing here knows of terminals; `vertebra.cli.doctor` shows it.
"""
