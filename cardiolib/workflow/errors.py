"""The two errors of the workflow, both meant to be read by a person."""


class ParameterError(ValueError):
    """A parameter is unknown, of the wrong type, or out of range; nothing has run."""


class StageError(RuntimeError):
    """A stage failed, or cannot start; earlier outputs are as they were."""
