"""Find the people in what a file holds, and choose one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from .arrays import unwrapped
from .fields import ROOT, WHOLE, WHOLE_WIDTHS, is_body, pick, smpl_frames, with_numbers
from .gaps import filled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..smplx_take import SmplFrames
    from .options import Options

_DEEPEST = 6
_WORLD = ("global", "world")
_FRAME_NUMBERS = ("frame_ids", "frame_id", "frames_ids")
_LISTED = 12


@dataclass(frozen=True)
class Person:
    """One person's parameters in a file."""

    label: str
    values: Mapping[str, Any]


def chosen_frames(tree: Any, options: Options, where: str) -> SmplFrames:
    """The parameters of the person asked for, or of the one that is there longest.

    Args:
        tree: Nested dictionaries and lists with arrays in them.
        options: ``person`` counts from 0.
        where: Name of the file, for errors.

    Raises:
        AvatarError: If there is nobody, or not the person asked for, or the parameters do not fit together.
    """
    people = list(find_people(tree))
    if not people:
        raise AvatarError(
            f"{where} holds no motion of a person: no poses were found. Choose a BVH, "
            "AMASS, SMPL-X or LHM file."
        )
    return pick_person(people, options, where)


def pick_person(people: Sequence[Person], options: Options, where: str) -> SmplFrames:
    """One of several people, with a note that lists them."""
    if options.person is not None:
        index = options.person
        if not 0 <= index < len(people):
            raise AvatarError(f"{where} holds {len(people)} persons. Choose one of 0 to {len(people) - 1}.")
        frames = _frames(people[index], options, where)
    else:
        every = [_frames(person, options, where) for person in people]
        index = max(range(len(every)), key=lambda k: len(every[k].pose))
        frames = every[index]
    if len(people) == 1:
        return frames
    labels = ", ".join(f"{k}: {person.label}" for k, person in enumerate(people[:_LISTED]))
    more = ", …" if len(people) > _LISTED else ""
    note = f"The file holds {len(people)} persons ({labels}{more}); {people[index].label} was taken."
    return replace(frames, notes=(*frames.notes, note))


def find_people(tree: Any, label: str = "", depth: int = 0) -> Iterator[Person]:
    """Everybody in nested dictionaries and lists."""
    tree = unwrapped(tree)
    if depth > _DEEPEST:
        return
    if is_body(tree):
        yield Person(label or "the only one", {name: unwrapped(value) for name, value in tree.items()})
    elif isinstance(tree, Mapping):
        children = _in_the_world({str(name): value for name, value in tree.items()})
        for name, value in children.items():
            yield from find_people(value, name, depth + 1)
    elif isinstance(tree, (list, tuple)) and any(isinstance(item, (Mapping, list)) for item in tree):
        yield from _from_list([unwrapped(item) for item in tree], label, depth)


def stacked(frames: Sequence[Mapping[str, Any]], where: str) -> dict[str, Any]:
    """One person's parameters from one dictionary a frame; what only some frames have is left out.

    Raises:
        AvatarError: If frames differ in the size of a member.
    """
    names = [name for name in frames[0] if all(name in frame for frame in frames)]
    values: dict[str, Any] = {}
    for name in names:
        items = [frame[name] for frame in frames]
        if any(isinstance(item, (str, Mapping)) or item is None for item in items):
            continue
        try:
            values[name] = np.stack([np.asarray(item, np.float64) for item in items])
        except (ValueError, TypeError):
            sizes = {np.size(item) for item in items}
            problem = (
                f"{min(sizes)} to {max(sizes)} numbers" if len(sizes) > 1 else "something else than numbers"
            )
            raise AvatarError(f"{where}: {name} has {problem} a frame. Estimate the motion again.") from None
    return values


def people_of_frames(frames: Sequence[tuple[int, Any]], where: str) -> list[Person]:
    """People from one entry per frame: one person's parameters, or a list of people with their ids.

    Args:
        frames: Number and content of each frame.
        where: Name of the folder or file, for errors.
    """
    tracks: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, content in frames:
        listed = content.get("annots", content) if isinstance(content, Mapping) else content
        for entry in listed if isinstance(listed, list) else [listed]:
            if is_body(entry):
                tracks.setdefault(str(entry.get("id", 0)), []).append((number, entry))
    return [
        Person(label, stacked([e for _, e in track], where) | {"frame_ids": np.array([n for n, _ in track])})
        for label, track in tracks.items()
    ]


def _from_list(items: list[Any], label: str, depth: int) -> Iterator[Person]:
    frames = all(is_body(item) and _one_frame(item) for item in items)
    if frames or all(isinstance(item, list) for item in items):
        yield from people_of_frames(list(enumerate(items)), label or "the file")
    else:
        for index, item in enumerate(items):
            yield from find_people(item, f"{label} {index}".strip(), depth + 1)


def _one_frame(values: Mapping[str, Any]) -> bool:
    root, whole = pick(values, ROOT), pick(values, WHOLE)
    return np.size(root) in (3, 9) if root is not None else np.size(whole) in WHOLE_WIDTHS


def _in_the_world(children: dict[str, Any]) -> dict[str, Any]:
    """The same motion may be there twice, in the camera's frame and in the world's."""
    found = {name: value for name, value in children.items() if any(word in name.lower() for word in _WORLD)}
    return {name: value for name, value in found.items() if is_body(unwrapped(value))} or children


def _frames(person: Person, options: Options, where: str) -> SmplFrames:
    frames = smpl_frames(person.values, options.body, where)
    numbers = next((person.values[name] for name in _FRAME_NUMBERS if name in person.values), None)
    if numbers is None:
        return frames
    return filled(with_numbers(frames, numbers), where)
