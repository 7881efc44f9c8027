"""The few exceptions, named for the user's problem.

Every message is one sentence an artist can act on: what was expected, what came, what to do.
"""


class FacegenError(Exception):
    """Base of everything Facegen refuses; its text is shown to the artist as it is."""


class InvalidMeshError(FacegenError):
    """The mesh cannot be used: empty, not finite, flat, or without faces."""


class TopologyMismatchError(FacegenError):
    """Two arrays or meshes that must share one topology do not."""


class RegistrationFailedError(FacegenError):
    """No face was found, or the fit is too poor to trust; landmarks by hand will help."""


class LandmarkError(FacegenError):
    """Landmarks given by hand are too few, unknown, or do not fit a face."""


class IntensityError(FacegenError):
    """An envelope or an intensity curve makes no sense (apex before onset, empty range, ...)."""


class PresetError(FacegenError):
    """A preset is not one: its file is damaged or foreign, or it names what does not exist."""


class BundleError(FacegenError):
    """The model bundle is missing, truncated, foreign, of another version, or damaged."""


class DatasetError(FacegenError):
    """A data set on disk is not what its reader expects; the message names file and reason."""


class TooLargeError(FacegenError):
    """What was asked for does not fit into the memory that is free."""


class WorkerError(FacegenError):
    """The GPU worker cannot be started, ended, or speaks another language than this Facegen."""


class WriteError(FacegenError, OSError):
    """A file cannot be written: the disk is full or read-only, or the folder is not there."""


class CancelledError(FacegenError):
    """The artist pressed cancel; nothing was changed."""

    def __init__(self, message: str = "Cancelled; nothing was changed.") -> None:
        super().__init__(message)
