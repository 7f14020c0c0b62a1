"""Artifact types of our own: what ML Metadata calls the things that TFX has no name for."""

from tfx.types.artifact import Artifact


class CatalogReport(Artifact):
    """What AudioExampleGen did with a catalog: ``{uri}/report.json``, see `components.audio_example_gen.report`."""

    TYPE_NAME = "CatalogReport"


class DataApproval(Artifact):
    """What DataGate let pass: ``{uri}/findings.json``, the warnings among its findings."""

    TYPE_NAME = "DataApproval"
