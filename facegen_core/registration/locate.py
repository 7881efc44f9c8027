"""Where the face is: places to look at, a rough identity fit at each, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import RegistrationFailedError
from ..landmarks import NUM_LANDMARKS
from ..mesh import vertex_normals
from ..progress import Progress, subprogress
from ..template import Template
from .alignment import Similarity
from .closest_points import FacingSurface
from .find_head import LOOKING, NUM_CLOSE_LOOKS, face_model, find_heads, outer_face
from .fitted_points import FittedPoints
from .head_candidates import Candidates
from .identity_fit import QUICK_STAGES, IdentityFit, LandmarkGoals, fit_identity
from .landmark_detector import Detection, LandmarkDetector, Look
from .rigid import fit_similarity
from .target import SearchTarget

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Surroundings of the template that are looked at once the head is found, mm.
MARGIN_MM = 40.0
# Distance between samples and weight of the normals in the closest-point search, mm.
QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM = 5.0, 15.0
# A face point within this distance of the surface is explained as far as the normals agree.
EXPLAINED_MM = 6.0
# A first, rough fit that explains this much needs no rival.
SURELY_EXPLAINED = 0.75
# Below this explained share there is no face. Measured: eggs, cubes, hands, backs of heads and
# bodies without heads reach 0.52; a body's head of 1,500 triangles 0.62, of full detail 0.84.
MIN_EXPLAINED = 0.6
# Of what the detector is sure about, less needs to be explained: stylised heads, masks, beards.
# What it scores below the last is no face, however round and smooth.
MIN_EXPLAINED_SEEN, MIN_SCORE = 0.55, 0.7
# A face seen with this score that explains as much is taken at once.
SURELY_SEEN = 0.99
# What looks like no face at all still counts this share of what it explains.
UNSEEN_SHARE = 0.4
# Looks worth a second one, the score below which none is, how often they are improved, and how
# many of them are looked at from all sides.
NUM_SECOND_LOOKS, MIN_LOOK_SCORE, NUM_MORE_LOOKS, NUM_DETECTIONS = 6, 0.1, 2, 2
# Places tried for their shape alone, whatever the detector says of them.
NUM_BY_SHAPE = 2
# A sure landmark that was seen pulls this much of one placed by hand.
LANDMARK_PULL = 0.1
NO_FACE = (
    "No face was found in this mesh: check that it shows a whole head, or place the 13 landmarks "
    "by hand."
)


@dataclass(frozen=True, eq=False)
class Guess:
    """A similarity target → roughly template mm, the fit in that frame, how much of the face it
    explains, and what the landmark detector saw there, if the template carries one."""

    similarity: Similarity
    fit: IdentityFit
    score: float
    detection: Detection | None = None

    @property
    def likelihood(self) -> float:
        """Explained share times how much it looks like a face: what guesses are compared by."""
        seen = 1.0 if self.detection is None else self.detection.score
        return self.score * (UNSEEN_SHARE + (1.0 - UNSEEN_SHARE) * seen)


def find_face(
    template: Template, points: FittedPoints, target: SearchTarget, progress: Progress
) -> Guess:
    """Look where faces could be, fit an identity to the best few, keep what explains a face.

    With a landmark detector the mesh is first taken for one head, whichever way it lies; only
    where no sure face is seen, places of similar shape are searched for over all of it.
    """
    if template.landmark_detector is None:
        guesses = _guesses_by_shape(template, points, target, progress)
        return max(guesses, key=lambda guess: guess.likelihood)
    progress(0.0, LOOKING)
    detector = LandmarkDetector(template, target)
    guesses = []
    for looks in (detector.look_around, detector.look_at_ends):
        for detection in detected_faces(detector, looks()):
            guesses.append(guess_seen(template, points, target, detection))
            if _is_sure(guesses[-1]):
                return guesses[-1]
    searching = subprogress(progress, 0.2, 0.8)
    found = find_heads(face_model(template), target, NUM_CLOSE_LOOKS, searching)
    places = _places(found)
    for detection in detected_faces(detector, detector.look(places)):
        guesses.append(guess_seen(template, points, target, detection))
        if _is_sure(guesses[-1]):
            return guesses[-1]
    for place in places[:NUM_BY_SHAPE]:
        guess = guess_at(template, points, target, place)
        guesses.append(replace(guess, detection=detector.detect(_fitted_place(guess))))
    return max(guesses, key=lambda guess: guess.likelihood)


def detected_faces(detector: LandmarkDetector, looks: list[Look]) -> list[Detection]:
    """The few most face-like looks, each looked at again from where its landmarks say."""
    best = sorted(looks, key=lambda look: -look.score)[:NUM_SECOND_LOOKS]
    best = [look for look in best if look.score > MIN_LOOK_SCORE]
    for _ in range(NUM_MORE_LOOKS):
        best = detector.look([look.place for look in best])
        best = sorted(best, key=lambda look: -look.score)
    apart: list[Look] = []
    for look in best:
        if not any(detector.is_same_place(look.place, other.place) for other in apart):
            apart.append(look)
    detections = [detector.detect(look.place) for look in apart[:NUM_DETECTIONS]]
    detections = [detection for detection in detections if detection.score > MIN_SCORE]
    return sorted(detections, key=lambda detection: -detection.score)


def guess_seen(
    template: Template, points: FittedPoints, target: SearchTarget, detection: Detection
) -> Guess:
    """Fit a rough identity where a face was seen, its landmarks pulling softly."""
    weights = LANDMARK_PULL * detection.confidences
    goals = LandmarkGoals(np.arange(NUM_LANDMARKS), detection.positions, weights)
    guess = _guess_with(template, points, target, detection.similarity, goals)
    return replace(guess, detection=detection)


def is_face(share: float, detection: Detection | None) -> bool:
    """Whether an explained share and what the detector saw there, if there is one, are a face."""
    if detection is None:
        return share >= MIN_EXPLAINED
    if detection.score >= SURELY_SEEN:
        return share >= MIN_EXPLAINED_SEEN
    return share >= MIN_EXPLAINED and detection.score >= MIN_SCORE


def may_be_face(detection: Detection | None) -> bool:
    """Whether there is an explained share with which what the detector saw is a face."""
    return is_face(1.0, detection)


def _is_sure(guess: Guess) -> bool:
    seen = guess.detection is not None and guess.detection.score > SURELY_SEEN
    return seen and guess.score > SURELY_EXPLAINED


def _fitted_place(guess: Guess) -> Similarity:
    """The target's own frame → template mm, as the rough fit has it."""
    return guess.fit.similarity.inverse().after(guess.similarity)


def _guesses_by_shape(
    template: Template, points: FittedPoints, target: SearchTarget, progress: Progress
) -> list[Guess]:
    """Without a detector: the best few places by shape, until one explains a face."""
    looking = subprogress(progress, 0.0, 0.6)
    places = _places(find_heads(face_model(template), target, progress=looking))
    guesses: list[Guess] = []
    for k, place in enumerate(places):
        progress(0.6 + 0.4 * k / len(places), "Looking closer")
        guesses.append(guess_at(template, points, target, place))
        if guesses[-1].score > SURELY_EXPLAINED:
            break
    return guesses


def _places(found: Candidates) -> list[Similarity]:
    """The target's own frame → template mm of every candidate."""
    rows = zip(found.scales, found.rotations, found.translations, strict=True)
    return [Similarity(*row).inverse() for row in rows]


def place_by_landmarks(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    landmarks: dict[int, FloatArray],
) -> Guess:
    goals = _goals_in(landmarks, target.similarity)
    placed = fit_similarity(goals.positions, template.landmark_positions[goals.numbers])
    return guess_at(template, points, target, placed, landmarks)


def guess_at(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    placed: Similarity,
    landmarks: dict[int, FloatArray] | None = None,
) -> Guess:
    """Fit a rough identity where the head was `placed` (target's own frame → mm)."""
    goals = landmark_goals(landmarks, placed.after(target.similarity))
    return _guess_with(template, points, target, placed, goals)


def _guess_with(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    placed: Similarity,
    goals: LandmarkGoals | None,
) -> Guess:
    vertices, kept = surroundings(template, target, placed)
    surface = FacingSurface(
        vertices, target.triangles[kept], QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM
    )
    fit = fit_identity(template, points, surface, QUICK_STAGES, landmarks=goals)
    return Guess(placed, fit, explained(template, fit, surface))


def landmark_goals(
    landmarks: dict[int, FloatArray] | None, similarity: Similarity
) -> LandmarkGoals | None:
    """What the landmarks by hand ask for once brought to mm by `similarity`."""
    return None if landmarks is None else _goals_in(landmarks, similarity)


def _goals_in(landmarks: dict[int, FloatArray], similarity: Similarity) -> LandmarkGoals:
    numbers = np.array(sorted(landmarks))
    positions = np.array([landmarks[int(number)] for number in numbers], np.float64)
    return LandmarkGoals(numbers, similarity.apply(positions))


def surroundings(
    template: Template, target: SearchTarget, placed: Similarity
) -> tuple[FloatArray, IntArray]:
    """(W, 3) target vertices in mm and the triangles around the template's head."""
    vertices = placed.apply(target.vertices)
    low = template.vertices.min(axis=0) - MARGIN_MM
    high = template.vertices.max(axis=0) + MARGIN_MM
    corners = vertices[target.triangles]
    near = (corners.max(axis=1) > low).all(axis=1) & (corners.min(axis=1) < high).all(axis=1)
    if not near.any():
        raise RegistrationFailedError(NO_FACE)
    return vertices, np.flatnonzero(near)


def explained(template: Template, fit: IdentityFit, surface: FacingSurface) -> float:
    """How much of the face lies on the surface and faces as it does, at most 1; bumps count most.

    A ball explains cheeks and foreheads; only a face explains the sides of a nose.
    """
    face = outer_face(template)
    placed = fit.placed
    normals = vertex_normals(placed, template.triangles)[face]
    found = surface.closest(placed[face], normals)
    agreement = np.sum(found.normals * normals, axis=1) * (found.distances < EXPLAINED_MM)
    ahead = normals.mean(axis=0)
    bumps = 1.05 - np.clip(normals @ (ahead / max(float(np.linalg.norm(ahead)), 1e-9)), 0.0, 1.0)
    return float(bumps @ agreement / bumps.sum())
