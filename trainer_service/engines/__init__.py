"""Where a job's worker runs. Engines start, find and stop processes; they know no job states."""
