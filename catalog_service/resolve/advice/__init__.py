"""How to fine-tune for a data set, and which published weights to start from. Pure, no torch.

`rules.py` has the rules as a table; `candidates.py` filters and orders the weights of the index;
`training_memory.py` estimates what their training takes.
"""

from catalog_service.resolve.advice.advise import Advice, advise
from catalog_service.resolve.advice.candidates import Candidate
from catalog_service.resolve.advice.question import Question
from catalog_service.resolve.advice.rules import TransferRule, rule_for

__all__ = ["Advice", "Candidate", "Question", "TransferRule", "advise", "rule_for"]
