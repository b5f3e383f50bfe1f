"""The fit's residuals, all in standard deviations: image, depth, habits, gravity, contact, outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ...avatar.axes import OPENCV_FROM_BODY
from ..parts import HEAD, LEFT_HAND, RIGHT_HAND, part_of_weights
from ..surface import vertex_normals
from .contact import Contact
from .face import face_anchors, face_trust, opened_jaw, turned_away
from .ground import Ground, sole_vertices, straight_legs
from .hang import hanging
from .landmarks import depths, gather, landmarks
from .model import BETAS, ORIENT, SHAPE_COUNT, ZOOM, Model, column
from .outline import outline_points, sample_signed, signed_distance
from .prior import angles, habits
from .solve import robust

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..observation import Observation
    from .model import Posed

_OUTLINE_VERTICES = 700
_OUTLINE_POINTS = 260
_RIM_COSINE = 0.3
_IMAGE = 2.0  # of the landmarks' spreads: clothes hide joints, and landmarks err together
_OUTLIER = 4.0  # spreads
_LIMIT = np.radians(3.0)  # beyond a joint's range
_ZOOM_SPREAD = 0.15  # of the log of the focal length about that of a usual lens
_KNOWN_ZOOM_SPREAD = 1e-3
_LARGE_FACE, _LARGEST_FACE = 1.12, 1.7  # of an adult's face on a body of this size
_FACE_SPREAD = 0.45  # percent of the person's height; its points err together
_ON_FACE = (0, 1, 2, 3, 4, 5, 6, 9, 10)
_INVENTED = 0.0
_SOLES = 4
# Spread of betas. The first one makes tall: of that a photo shows so little, and so little surely, that
# proportions pulled stature the wrong way as often as not.
_SHAPE = np.array([0.35, *[1.0] * (SHAPE_COUNT - 1)])


class Problem:
    """One photo's residuals.

    Args:
        body: Any body in SMPL-X layout.
        seen: The photo.
        hands: Rotations of the fingers. [2, 15, 3]
        shape_mean: Betas that a person has who shows nothing of their shape. [10]
    """

    def __init__(self, body: Body, seen: Observation, hands: Float, shape_mean: Float) -> None:
        self.body, self.seen, self.shape_mean = body, seen, shape_mean
        self.table, self.depths = landmarks(), depths()
        step = body.vertex_count // _OUTLINE_VERTICES
        parts = part_of_weights(body.joint_indices, body.joint_weights)
        # Hair hides the head's outline, and nothing is known of the fingers.
        bare = ~np.isin(parts, (HEAD, LEFT_HAND, RIGHT_HAND))
        self.outline_vertices = np.arange(step // 2, body.vertex_count, step)
        self.is_bare = bare[self.outline_vertices]
        self.anchors = face_anchors(body)
        vertices = (sole_vertices(body), self.anchors.vertices, self.outline_vertices)
        offsets = np.zeros((sum(map(len, vertices)), 3))
        offsets[_SOLES : _SOLES + len(self.anchors.ids)] = self.anchors.offsets
        self.model = Model(body, np.concatenate(vertices), hands, offsets=offsets)
        self.model.jaw = opened_jaw(seen)
        self.first_outline = _SOLES + len(self.anchors.ids)
        self.ground, self.contact = Ground(seen), Contact(body)
        self.habits = habits(seen.confidence, straight_legs(seen))
        self.percent = 100.0 / seen.whole_height
        self.confidence = seen.confidence[self.table.ids].copy()
        self.face_trust = face_trust(seen)
        # The mesh knows the face better than the pose's few points.
        self.confidence[np.isin(self.table.ids, _ON_FACE)] *= 1.0 - 0.8 * self.face_trust
        if turned_away(seen):
            self.confidence[np.isin(self.table.ids, _ON_FACE)] *= _INVENTED
        self.distance = signed_distance(seen.alpha)
        self.zoom_spread = _KNOWN_ZOOM_SPREAD if seen.focal_known else _ZOOM_SPREAD
        self._prepare_depths()
        self.contour: tuple[NDArray[np.int64], Float, Float] | None = None

    def _prepare_depths(self) -> None:
        seen, known = self.seen, self.depths
        way = seen.world[known.pairs[:, 1]] - seen.world[known.pairs[:, 0]]
        z = way[:, 2] / (np.linalg.norm(way, axis=1) + 1e-9)
        self.wanted_depth = np.clip(known.slope * z + known.offset, -1, 1)
        self.depth_rows = np.array([[self.table.row(a), self.table.row(b)] for a, b in known.pairs])
        wanted, spread = hanging(seen, known, self.wanted_depth)
        self.wanted_depth = wanted
        self.depth_trust = self.confidence[self.depth_rows].min(axis=1) / spread

    def landmark_residuals(self, x: Float) -> Float:
        """All but the outline. [B, R]"""
        posed = self.model.posed(x)
        surface = self.model.surface(posed, slice(0, self.first_outline))
        return np.concatenate(self._parts(x, posed, surface), axis=1)

    def all_residuals(self, x: Float) -> Float:
        """As above, with the outline. [B, R]"""
        posed = self.model.posed(x)
        surface = self.model.surface(posed)
        parts = self._parts(x, posed, surface[:, : self.first_outline])
        return np.concatenate([*parts, self._outline(x, surface[:, self.first_outline :])], axis=1)

    def _parts(self, x: Float, posed: Posed, surface: Float) -> list[Float]:
        points = gather(self.table, posed.rest, posed.moved)
        return [
            self._image(x, points),
            self._depth(points),
            self._habit(x, posed),
            self.ground.residuals(x, posed, surface[:, :_SOLES]),
            self._face(x, surface[:, _SOLES:]),
            self.contact.residuals(posed),
        ]

    def project(self, x: Float, points: Float) -> Float:
        """Pixels of points under each vector's zoom. [B, N, 2]"""
        seen = points @ OPENCV_FROM_BODY.T
        focal = self.seen.camera.focal * np.exp(column(x, ZOOM))[:, None, None]
        return seen[..., :2] * (focal / np.maximum(seen[..., 2:], 0.05)) + np.asarray(self.seen.camera.center)

    def _image(self, x: Float, points: Float) -> Float:
        error = (self.project(x, points) - self.seen.points[self.table.ids]) * self.percent
        error = error / (_IMAGE * self.table.spread[:, None])
        return (robust(error, _OUTLIER) * self.confidence[:, None]).reshape(len(points), -1)

    def _face(self, x: Float, anchors: Float) -> Float:
        if self.seen.face is None or self.face_trust == 0:
            return np.zeros((len(x), 0))
        steady = self.anchors.steady
        found = self.seen.face.points[self.anchors.ids[steady], :2]
        error = (_sized(self.project(x, anchors[:, steady]), found) - found) * (self.percent / _FACE_SPREAD)
        return self.face_trust * robust(error, _OUTLIER).reshape(len(x), -1)

    def _depth(self, points: Float) -> Float:
        way = points[:, self.depth_rows[:, 1]] - points[:, self.depth_rows[:, 0]]
        z = way[..., 2] / np.linalg.norm(way, axis=-1)
        return robust((z - self.wanted_depth) * self.depth_trust, _OUTLIER)

    def _habit(self, x: Float, posed: Posed) -> Float:
        now, usual = angles(posed.pose), self.habits
        pull = (now - usual.mean) / usual.spread
        beyond = np.maximum(now - usual.most, 0) + np.minimum(now - usual.least, 0)
        count = len(x)
        return np.concatenate(
            [
                pull.reshape(count, -1),
                beyond.reshape(count, -1) / _LIMIT,
                (x[:, BETAS] - self.shape_mean) / _SHAPE,
                x[:, ZOOM : ZOOM + 1] / self.zoom_spread,
                0.1 * x[:, ORIENT],
            ],
            axis=1,
        )

    def match_outline(self, x: Float, vertices: Float) -> None:
        """Pair points of the person's outline with the body's rim that faces the same way.

        Args:
            x: Parameters. [P]
            vertices: The whole posed surface. [V, 3]
        """
        surface = vertices[self.outline_vertices]
        normals = vertex_normals(vertices, self.body.faces)[self.outline_vertices]
        ray = surface / np.linalg.norm(surface, axis=1, keepdims=True)
        rim = np.flatnonzero((np.abs((normals * ray).sum(1)) < _RIM_COSINE) & self.is_bare)
        flat = normals[rim, :2] * [1, -1]
        flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9
        points, outward = outline_points(self.seen, _OUTLINE_POINTS)
        reach = 0.05 * self.seen.whole_height
        pixels = self.project(x[None], surface[None, rim])[0]
        # Direction counts as much as place, so that an arm's outline never pulls the trunk.
        tree = KDTree(np.concatenate([pixels / reach, flat], axis=1))
        gap, nearest = tree.query(np.concatenate([points / reach, outward], axis=1))
        good = gap < 1.0
        self.contour = (rim[nearest][good], points[good], outward[good])

    def _outline(self, x: Float, surface: Float) -> Float:
        pixels = self.project(x, surface)
        outside = np.maximum(sample_signed(self.distance, pixels), 0.0) * self.percent
        rows, points, outward = (
            self.contour if self.contour is not None else (np.zeros(0, int), *np.zeros((2, 0, 2)))
        )
        along = ((pixels[:, rows] - points) * outward).sum(-1) * self.percent
        # Clothes stand off the body: inside the outline is cheap, and far inside costs no more.
        along = np.where(along > 0, robust(along, 2.5), robust(along, 1.0))
        return np.concatenate([0.25 * robust(outside, 3.0), 0.4 * along], axis=1)

    @property
    def shape_information(self) -> Float:
        """What the prior alone knows of the betas. [10, 10]"""
        return np.diag(1.0 / _SHAPE**2)

    def missed(self, x: Float) -> Float:
        """Image distance of each landmark from the body's, over the person's height. [M]"""
        posed = self.model.posed(x[None])
        points = gather(self.table, posed.rest, posed.moved)
        error = np.linalg.norm(self.project(x[None], points)[0] - self.seen.points[self.table.ids], axis=1)
        return error / self.seen.whole_height

    def face_points(self, x: Float) -> Float:
        """Where the body's face has the anchors, pixels. [A, 2]"""
        posed = self.model.posed(x[None])
        return self.project(x[None], self.model.surface(posed, slice(_SOLES, self.first_outline)))[0]


def _sized(face: Float, found: Float) -> Float:
    """The body's face at the size of the one in the photo, if that is a child's or a cartoon's large head.

    The body's shapes are adults': without this a large head would be one that leans towards the camera.

    Args:
        face: Pixels. [B, A, 2]
        found: [A, 2]
    """
    middle = face.mean(axis=1, keepdims=True)
    own, theirs = face - middle, found - found.mean(axis=0)
    size = (own * theirs).sum(axis=(1, 2)) / np.maximum((own**2).sum(axis=(1, 2)), 1e-9)
    # Within the usual, the size tells the distance; the change has to be gradual for the fit.
    larger = np.clip(size / _LARGE_FACE, 1.0, _LARGEST_FACE)[:, None, None]
    return middle + larger * own
