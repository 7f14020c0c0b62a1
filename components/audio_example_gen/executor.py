"""Catalog to Examples: a first pass over the rows, then Beam over chunks of them, then the report."""

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import inputs_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from catalog.recording import SPLITS
from components.audio_example_gen.driver import FINGERPRINT, LOCATIONS
from components.audio_example_gen.ingest import ChunkResult, IngestChunk, Job, split_folder, write_empty_shard
from components.audio_example_gen.plan import Plan, make_plan
from components.audio_example_gen.report import check_share, summarise, write_report
from components.audio_example_gen.settings import Settings

WORK = "ingest"
"""Folder of the run's own files in its temporary directory, which TFX deletes."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Not a `BaseExampleGenExecutor`, which shuffles whole Examples: the direct runner would hold all audio in memory.

    Equal catalogs give equal shards, byte by byte, with any number of workers.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the Examples and the report.

        Raises
        ------
        CatalogError
            If the catalog cannot be opened.
        TooManySetAside
            If more than ``max_set_aside_share`` of the rows cannot be used: before anything is decoded, if that is
            known then.
        """
        exec_properties.update(self._locations())
        settings = Settings.read(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        work = os.path.join(self._get_tmp_dir(), WORK)
        for folder in (examples.uri, report.uri, work):
            _empty(folder)  # a killed run with the same id left its files there

        plan = make_plan(settings, work)
        check_share(plan.problems, plan.rows, settings.max_set_aside_share)
        self._ingest(settings, plan, work, examples.uri)
        found = (problem for result in _results(work, plan) for problem in result.problems)
        problems = sorted([*plan.problems, *found], key=lambda problem: problem.row)
        check_share(problems, plan.rows, settings.max_set_aside_share)

        summary = summarise(plan, _results(work, plan), problems)
        for split in SPLITS:
            if not summary.splits[split].examples:
                write_empty_shard(examples.uri, split)
        write_report(report.uri, summary)
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        if FINGERPRINT in exec_properties:
            examples.set_string_custom_property(FINGERPRINT, exec_properties[FINGERPRINT])

    def _ingest(self, settings: Settings, plan: Plan, work: str, examples_uri: str) -> None:
        for split in SPLITS:
            tf.io.gfile.makedirs(split_folder(examples_uri, split))
        root = os.fspath(settings.catalog_path.parent)
        job = Job(settings.exec_properties(), root, plan.catalog, work, examples_uri, plan.chunks)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create(range(plan.chunks), reshuffle=False)
                | "Spread" >> beam.Reshuffle()
                | "Ingest" >> beam.ParDo(IngestChunk(job))
            )

    def _locations(self) -> dict[str, str]:
        """Where things lie, which the driver keeps out of the cache key, from the node itself."""
        if self._context is None or self._context.pipeline_node is None:
            return {}
        parameters = inputs_utils.resolve_parameters_with_schema(self._context.pipeline_node.parameters)
        properties = data_types_utils.build_parsed_value_dict(parameters)
        return {name: properties[name] for name in LOCATIONS}


def _results(work: str, plan: Plan) -> Iterator[ChunkResult]:
    return (ChunkResult.read(work, index) for index in range(plan.chunks))


def _empty(folder: str) -> None:
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)
    tf.io.gfile.makedirs(folder)
