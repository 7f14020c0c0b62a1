"""A compiled pipeline as the command line hands it to Kubeflow Pipelines: its name, the parameters that it declares."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.yaml_text import NotYaml, read_yaml
from pipeline.kubeflow_lint import NotAPipeline, as_kubeflow_reads, documents_of, lint, lint_run, mounts_of
from pipeline.run_node import settings_of_run
from pipeline.settings import SettingsError

KINDS: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "STRUCT": (dict,),
    "LIST": (list,),
}


@dataclass(frozen=True)
class Package:
    """A file that ``dacapo compile`` wrote.

    Attributes
    ----------
    path : of the file.
    name : of the pipeline.
    parameters : kind by name.
    mounts : folders at which its steps mount volumes.
    settings : JSON of those that it was compiled with; None where its steps are not ours.
    """

    path: Path
    name: str
    parameters: dict[str, str]
    mounts: tuple[str, ...] = ()
    settings: str | None = None

    def values(self, assignments: Iterable[str]) -> dict[str, Any]:
        """Parameters from ``name=value``; values are read as YAML.

        Raises
        ------
        SettingsError
            If the pipeline has no parameter of this name, or one of another kind.
        """
        found: dict[str, Any] = {}
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            if not equals or name not in self.parameters:
                known = ", ".join(self.parameters)
                raise SettingsError(f"--parameter {assignment!r}: write name=value, where name is one of {known}")
            kinds = KINDS.get(self.parameters[name], (str,))
            try:
                value = text if kinds == (str,) else read_yaml(text)
            except NotYaml as error:
                raise SettingsError(f"--parameter {assignment!r}: {text!r} is not a value") from error
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise SettingsError(f"--parameter {assignment!r}: {name} is a {self.parameters[name]}")
            try:
                json.dumps(value)
            except (TypeError, ValueError, RecursionError) as error:
                reason = "what JSON does not know: write dates in quotation marks, and nothing that holds itself"
                raise SettingsError(f"--parameter {assignment!r}: holds {reason}") from error
            found[name] = value
        return found

    def run_values(self, assignments: Iterable[str], pipeline_root: str | None) -> dict[str, Any]:
        """`values` that the steps can use, as the lint and the steps themselves see them.

        Raises
        ------
        SettingsError
            As `values` and as `settings_of_run`.
        NotAPipeline
            At the first finding of the lint, in the values or in `pipeline_root`.
        """
        found = self.values(assignments)
        for finding in lint_run(found, pipeline_root, self.mounts):
            raise NotAPipeline(str(finding))
        if found and self.settings is not None:
            settings_of_run(self.settings, found | {"overrides": json.dumps(found.get("overrides", {}))})
        return found


def open_package(path: Path) -> Package:
    """The compiled pipeline `path`, which the lint finds nothing wrong with.

    Raises
    ------
    NotAPipeline
        If it is none, or Kubeflow would reject or misread it.
    """
    documents = documents_of(path)
    for finding in lint(*documents):
        raise NotAPipeline(f"{path}: {finding}")
    spec, platform = as_kubeflow_reads(*documents)
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    kinds = {name: parameter.get("parameterType", "STRING") for name, parameter in declared.items()}
    return Package(path, spec["pipelineInfo"]["name"], kinds, mounts_of(platform), _settings(spec))


def _settings(spec: Mapping[str, Any]) -> str | None:
    """What stands behind ``--settings`` in the first step that has it; all have the same."""
    for executor in spec["deploymentSpec"]["executors"].values():
        arguments = executor.get("container", {}).get("args", ())
        if "--settings" in arguments[:-1]:
            return str(arguments[arguments.index("--settings") + 1])
    return None
