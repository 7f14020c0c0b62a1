"""Before a run: what the catalog holds, so that TFX's cache sees every byte of it and nothing else.

How the cache key comes about (TFX 1.21): ``Launcher._prepare_execution`` runs the driver, writes its execution
properties over those of the node (``_update_with_driver_output``) and hashes all of them
(``cache_utils.get_cache_context``, "Serialized parameters"). So a property that the driver adds is part of the key, and
one that it replaces is part of it in its new form only.
"""

from tfx.dsl.components.base import base_driver as component_driver
from tfx.orchestration import metadata
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto.orchestration import driver_output_pb2

from components.audio_example_gen.fingerprint import HashIndex, fingerprint
from components.audio_example_gen.settings import Settings

FINGERPRINT = "fingerprint"
LOCATIONS = ("catalog_path", "index_path")
"""Properties that say where something lies. The executor reads them from the node, see `Executor`."""


class Driver(component_driver.BaseDriver, base_driver.BaseDriver):
    """Adds the catalog's fingerprint to the cache key and takes places out of it: ``touch`` and a fresh clone run
    nothing again.
    """

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        component_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The fingerprint and the blanked places as execution properties.

        Raises
        ------
        CatalogError
            If the catalog cannot be opened.
        """
        settings = Settings.read(execution_info.exec_properties)
        with HashIndex(settings.index_path) as index:
            digest = fingerprint(settings, index)
        output = driver_output_pb2.DriverOutput()
        output.exec_properties[FINGERPRINT].string_value = digest
        for name in LOCATIONS:
            output.exec_properties[name].string_value = ""
        return output
