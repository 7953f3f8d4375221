"""The loop: epochs and steps, phases, schedules, precision. It knows no export and no spool."""
