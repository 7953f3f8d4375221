"""One per host: gives jobs their slots, starts, adopts, follows and stops their workers.

Everything it knows is in the job store and in the attempts' folders, so it may be killed between
any two of its steps: the next one reads where things stand and goes on.
"""

from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.supervisor import Supervisor

__all__ = ["Rooms", "Supervisor", "Timing"]
