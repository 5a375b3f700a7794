"""Enhanced MR files: what is said once for all frames and what of each, as one flat data set a frame."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

RENAMED = {
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "RRIntervalTimeNominal": "NominalInterval",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "FrameAcquisitionNumber": "AcquisitionNumber",
}
"""Tags of enhanced files and the tags of classic ones that mean the same."""

_GROUPS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "FrameContentSequence",
    "CardiacSynchronizationSequence",
    "MRImageFrameTypeSequence",
    "PixelValueTransformationSequence",
    "TemporalPositionSequence",
    "MRTimingAndRelatedParametersSequence",
    "MREchoSequence",
    "MRModifierSequence",
    "MRVelocityEncodingSequence",
)


def frame_datasets(data: Dataset) -> Iterator[Dataset]:
    """The file itself where it is classic, else one data set for each of its frames."""
    per_frame = data.get("PerFrameFunctionalGroupsSequence")
    if not per_frame:
        yield data
        return
    shared = data.get("SharedFunctionalGroupsSequence") or [Dataset()]
    plain = Dataset({tag: element for tag, element in data.items() if element.tag.group != 0x5200})
    for number, groups in enumerate(per_frame, 1):
        frame = Dataset(plain)
        frame.InstanceNumber = number
        for source in (shared[0], groups):
            _flatten(source, frame)
        yield frame


def _flatten(source: Dataset, frame: Dataset) -> None:
    for name in _GROUPS:
        for item in source.get(name) or ():
            for element in item:
                keyword = RENAMED.get(element.keyword, element.keyword)
                if keyword and element.VR != "SQ" and not element.tag.is_private:
                    setattr(frame, keyword, element.value)
