"""A Dockerfile as data: as much of the language as ours use."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("catalog", "trainer", "gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `COPY --from=build a b` is COPY, {"from": "build"}, "a b"."""

    keyword: str
    flags: dict[str, str]
    value: str

    @property
    def words(self) -> list[str]:
        """Return the value as words; a JSON list is one already."""
        if self.value.startswith("["):
            listed: list[str] = json.loads(self.value)
            return listed
        return shlex.split(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, keyword: str) -> Instruction:
        """Return the instruction that counts where there are several."""
        return [one for one in self.instructions if one.keyword == keyword][-1]

    @property
    def environment(self) -> dict[str, str]:
        """Return what ENV sets."""
        pairs = [word for one in self.instructions if one.keyword == "ENV" for word in one.words]
        return dict(pair.split("=", 1) for pair in pairs)


def dockerfile(image: str) -> Path:
    """Return the file of an image."""
    return ROOT / f"deploy/docker/{image}.Dockerfile"


def stages(image: str) -> list[Stage]:
    """Return the stages of an image; the last one is what is shipped."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for one in _instructions(dockerfile(image).read_text()):
        if one.keyword == "ARG" and not found:
            name, _, value = one.value.partition("=")
            arguments[name] = value
        elif one.keyword == "FROM":
            base, *named = re.split(r"\s+AS\s+", one.value)
            base = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base)
            found.append(Stage(name=named[0] if named else "", base=base))
        else:
            found[-1].instructions.append(one)
    return found


def entrypoint(image: str) -> list[str]:
    """Return the program that an image runs, before its own arguments."""
    return stages(image)[-1].last("ENTRYPOINT").words


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [_instruction(line) for line in joined.splitlines() if line.strip()]


def _instruction(line: str) -> Instruction:
    keyword, _, rest = line.strip().partition(" ")
    flags = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(keyword=keyword, flags=flags, value=rest.strip())
