"""Patterns with `*`: what they match, and that no pattern costs much."""

import time

import pytest

from catalog_service.serving.wildcards import matcher


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("fc.weight", "fc.weight", True),
        ("fc.weight", "fc.weights", False),
        ("*", "", True),
        ("layer*.weight", "layer1.0.weight", True),
        ("layer*.weight", "layer1.0.bias", False),
        ("*bn*mean", "layer1.bn2.running_mean", True),
        ("a*a", "a", False),
        ("*ab*ab", "ab", False),
        ("[a]*", "a1", False),
        ("a?", "ab", False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(pattern, text, is_match):
    assert matcher(pattern)(text) is is_match


def test_many_stars_cost_no_more_than_the_text_is_long():
    """A regular expression made of it would need longer than the universe is old."""
    began = time.process_time()

    assert not matcher("*a" * 500 + "b")("a" * 100_000)

    assert time.process_time() - began < 5
