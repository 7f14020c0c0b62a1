"""Every overlay as kustomize renders it: valid, hardened, and with no reference into the void."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from tests.kubeflow import conftest
from tests.kubeflow.conftest import KUBEFLOW, OVERLAYS, VERSION, Manifest, pod_templates, rendered

CUSTOM = {
    "FlinkDeployment",
    "InferenceService",
    "PodMonitor",
    "PrometheusRule",
    "ServingRuntime",
    "TrainingRuntime",
}
# Flink's entry point writes its configuration below its home; its manager's pod must list and make pods.
WRITES_ITS_ROOT = {"flink-main-container"}
KSERVE_S_OWN = ("annotations", "protocolVersions", "supportedModelFormats")  # in a ServingRuntime, beside a pod's
MADE_BY_HAND = {("Secret", "dacapo-metadata")}  # docs/kubeflow.md
SERVING = ("kserve", "serving")  # stand beside one of the others
WHOLE = [overlay for overlay in OVERLAYS if overlay not in SERVING]


def by_kind(overlay: str, kind: str) -> list[Manifest]:
    return [manifest for manifest in rendered(overlay) if manifest["kind"] == kind]


def names(overlay: str, kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in by_kind(overlay, kind)}


def policies(overlay: str) -> dict[str, Manifest]:
    return {policy["metadata"]["name"]: policy["spec"] for policy in by_kind(overlay, "NetworkPolicy")}


def tcp(rule: Manifest) -> set[int]:
    return {port["port"] for port in rule["ports"] if port["protocol"] == "TCP"}


def pods(overlay: str) -> list[Manifest]:
    return [pod for manifest in rendered(overlay) for pod in pod_templates(manifest)]


def containers(overlay: str) -> list[tuple[Manifest, Manifest]]:
    """(pod's specification, container); KServe keeps both in one."""
    return [(pod["spec"], container) for pod in pods(overlay) for container in pod["spec"]["containers"]]


def mentions(node: Any, key: str, field: str) -> set[str]:
    """What `field` of every mapping under `key` says, anywhere below `node`."""
    found: set[str] = set()
    if isinstance(node, list):
        for item in node:
            found |= mentions(item, key, field)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, dict) and field in value:
                found.add(value[field])
            found |= mentions(value, key, field)
    return found


def test_all_the_overlays_that_the_docs_name_are_there() -> None:
    assert OVERLAYS == ["aks", "bare-metal", "eks", "flink", "gke", "kserve", "managed-mysql", "serving", "single-user"]


@cache
def validate(manifest: str) -> None:
    """Once for each different manifest: overlays share most of theirs."""
    kubernetes_validate.validate(json.loads(manifest), VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_core_objects_are_strictly_valid(overlay: str) -> None:
    core = [manifest for manifest in rendered(overlay) if manifest["kind"] not in CUSTOM]
    assert len(core) >= (5 if overlay in SERVING else 10)
    for manifest in core:
        validate(json.dumps(manifest))


def as_pod(pod: Manifest) -> Manifest:
    """What pods are made of by a custom resource, as one of them."""
    spec = {field: value for field, value in pod["spec"].items() if field not in KSERVE_S_OWN}
    labels = {"labels": pod.get("metadata", {}).get("labels", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"} | labels, "spec": spec}


@pytest.mark.parametrize("overlay", [overlay for overlay in OVERLAYS if overlay != "serving"])
def test_pods_inside_of_custom_resources_are_strictly_valid(overlay: str) -> None:
    inside = [pod for manifest in rendered(overlay) if manifest["kind"] in CUSTOM for pod in pod_templates(manifest)]
    assert len(inside) == (3 if overlay == "flink" else 1)
    for pod in inside:
        validate(json.dumps(as_pod(pod)))


@pytest.mark.parametrize(("overlay", "kind"), [("gke", "TrainingRuntime"), ("kserve", "ServingRuntime")])
def test_strict_validation_notices_a_misspelt_field_inside_of_a_custom_resource(overlay: str, kind: str) -> None:
    (manifest,) = by_kind(overlay, kind)
    (pod,) = pod_templates(manifest)
    wrong = as_pod(pod)
    wrong["spec"] = wrong["spec"] | {"containers": [wrong["spec"]["containers"][0] | {"volumeMount": []}]}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(json.dumps(wrong))


def test_strict_validation_notices_a_misspelt_field() -> None:
    (claim,) = by_kind("gke", "PersistentVolumeClaim")
    wrong = claim | {"spec": claim["spec"] | {"accessMode": ["ReadWriteMany"]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_lies_in_the_namespace(overlay: str) -> None:
    for manifest in rendered(overlay):
        own = "kubeflow" if overlay == "single-user" else "dacapo"
        expected = None if manifest["kind"] in ("Namespace", "StorageClass") else own
        assert manifest["metadata"].get("namespace") == expected, manifest["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_containers_run_unprivileged_on_a_read_only_root(overlay: str) -> None:
    assert len(containers(overlay)) >= {"kserve": 1, "managed-mysql": 2}.get(overlay, 3)
    for pod, container in containers(overlay):
        name = container["name"]
        own = container["securityContext"]
        both = pod.get("securityContext", {}) | own
        if name in ("beam-worker-pool",):  # the pod's half stands in the template above it
            both |= {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert both["runAsNonRoot"] is True, name
        assert both["runAsUser"] > 0, name
        assert both["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert own["allowPrivilegeEscalation"] is False, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        if name not in WRITES_ITS_ROOT:
            assert own["readOnlyRootFilesystem"] is True, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_says_what_it_needs_and_memory_is_not_overcommitted(overlay: str) -> None:
    for _, container in containers(overlay):
        if container["name"] in WRITES_ITS_ROOT:  # jobManager.resource and taskManager.resource say it
            continue
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), container["name"]
        assert "memory" in resources["limits"], container["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_image_floats(overlay: str) -> None:
    for _, container in containers(overlay):
        if container["name"] in WRITES_ITS_ROOT:
            continue
        image = container["image"]
        assert ":" in image, image
        assert not image.endswith(":latest"), image


@pytest.mark.parametrize("overlay", WHOLE)
def test_trainings_get_the_image_with_cuda(overlay: str) -> None:
    (runtime,) = by_kind(overlay, "TrainingRuntime")
    (pod,) = pod_templates(runtime)
    assert pod["spec"]["containers"][0]["image"] == "dacapo:cuda"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_referred_to_is_there(overlay: str) -> None:
    documents = rendered(overlay)
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in documents} | MADE_BY_HAND
    if overlay in SERVING:
        there.add(("PersistentVolumeClaim", "dacapo"))
    for pod in pods(overlay):
        spec = pod["spec"]
        wanted = {("Secret", name) for name in mentions(spec, "secretKeyRef", "name")}
        wanted |= {("ConfigMap", name) for name in mentions(spec, "configMap", "name")}
        wanted |= {("PersistentVolumeClaim", name) for name in mentions(spec, "persistentVolumeClaim", "claimName")}
        if "serviceAccountName" in spec:
            wanted.add(("ServiceAccount", spec["serviceAccountName"]))
        assert wanted <= there, wanted - there
        mounted = {mount["name"] for container in spec["containers"] for mount in container.get("volumeMounts", [])}
        claimed = {volume["name"] for volume in spec.get("volumes", [])}
        if "volumes" in spec and not claimed >= mounted:
            assert mounted - claimed <= {"data"}  # a claim template of the StatefulSet
    for manifest in documents:
        if account := manifest.get("spec", {}).get("serviceAccount"):  # Flink's
            assert ("ServiceAccount", account) in there
    for scaler in by_kind(overlay, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in there
    for binding in by_kind(overlay, "RoleBinding"):
        assert ("Role", binding["roleRef"]["name"]) in there
        assert {("ServiceAccount", subject["name"]) for subject in binding["subjects"]} <= there


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_and_budgets_select_pods_of_exactly_one_workload(overlay: str) -> None:
    workloads = [m for m in rendered(overlay) if m["kind"] in ("Deployment", "StatefulSet")]
    selectors = [(m["metadata"]["name"], m["spec"]["selector"]) for m in by_kind(overlay, "Service")]
    selectors += [
        (m["metadata"]["name"], m["spec"]["selector"]["matchLabels"]) for m in by_kind(overlay, "PodDisruptionBudget")
    ]
    assert selectors or overlay in ("kserve", "managed-mysql")
    for name, selector in selectors:
        chosen = [w for w in workloads if selector.items() <= w["spec"]["template"]["metadata"]["labels"].items()]
        assert len(chosen) == 1, name


@pytest.mark.parametrize("overlay", [overlay for overlay in WHOLE if overlay != "single-user"])
def test_nothing_is_reachable_unless_a_policy_says_so(overlay: str) -> None:
    assert policies(overlay)["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("overlay", [overlay for overlay in WHOLE if overlay != "single-user"])
def test_a_profile_s_artifact_proxy_answers_kubeflow_s_page_and_reads_the_object_store(overlay: str) -> None:
    """Labels and port are those of KFP's profile controller (pipelines-profile-controller/sync.py)."""
    policy = policies(overlay)["kfp-artifacts"]
    assert policy["podSelector"] == {"matchLabels": {"app": "ml-pipeline-ui-artifact"}}
    (ingress,) = policy["ingress"]
    (page,) = ingress["from"]
    kubeflow = {"matchLabels": {"kubernetes.io/metadata.name": "kubeflow"}}
    assert page == {"namespaceSelector": kubeflow, "podSelector": {"matchLabels": {"app": "ml-pipeline-ui"}}}
    assert tcp(ingress) == {3000}
    assert {"to": [{"namespaceSelector": kubeflow}]} in policy["egress"]
    (outside,) = [rule for rule in policy["egress"] if "ipBlock" in rule["to"][0]]
    assert 443 in tcp(outside)
    assert policies(overlay)["dns"]["podSelector"] == {}


def test_names_are_looked_up_at_a_cache_on_the_node_as_well() -> None:
    (rule,) = policies("gke")["dns"]["egress"]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in rule["to"]
    assert {port["protocol"] for port in rule["ports"]} == {"TCP", "UDP"}


def test_steps_reach_the_api_server_at_the_ports_that_distributions_give_it() -> None:
    (rule,) = [rule for rule in policies("bare-metal")["steps"]["egress"] if "ipBlock" in rule["to"][0]]
    assert tcp(rule) == {443, 6443, 8443, 16443}


@pytest.mark.parametrize("overlay", ["gke", "eks"])
def test_the_cloud_s_identity_is_one_comment_away_and_opens_metadata_servers_alone(
    overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(KUBEFLOW, tmp_path / "kubeflow")
    monkeypatch.setattr(conftest, "KUBEFLOW", tmp_path / "kubeflow")
    file = tmp_path / "kubeflow" / "overlays" / overlay / "kustomization.yaml"
    assert "\n# components:" in file.read_text()
    assert not [name for name in policies(overlay) if name.startswith("cloud-identity")]
    file.write_text(file.read_text().replace("\n# components:", "\ncomponents:"))
    manifests = [manifest for manifest in rendered.__wrapped__(overlay) if manifest["kind"] == "NetworkPolicy"]
    added = [manifest for manifest in manifests if manifest["metadata"]["name"].startswith("cloud-identity")]
    for manifest in added:
        validate(json.dumps(manifest))
    assert [manifest["spec"]["podSelector"]["matchLabels"] for manifest in added] == [
        {"app": "ml-pipeline-ui-artifact"},
        {"pipelines.kubeflow.org/v2_component": "true"},
    ]
    for manifest in added:
        (rule,) = manifest["spec"]["egress"]
        opened = {peer["ipBlock"]["cidr"] for peer in rule["to"]}
        assert opened == {"169.254.169.254/32", "169.254.169.252/32", "169.254.170.23/32"}


@pytest.mark.parametrize("overlay", WHOLE)
def test_rights_are_named_one_by_one_and_end_at_the_namespace(overlay: str) -> None:
    assert not by_kind(overlay, "ClusterRole")
    assert not by_kind(overlay, "ClusterRoleBinding")
    for role in by_kind(overlay, "Role"):
        for rule in role["rules"]:
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
            if "secrets" in rule["resources"]:
                assert rule["resourceNames"]
    bound = {
        subject["name"]: binding["roleRef"]["name"]
        for binding in by_kind(overlay, "RoleBinding")
        for subject in binding["subjects"]
    }
    expected = {"dacapo-step", "dacapo-flink"} if overlay == "flink" else {"dacapo-step"}
    assert bound == {account: account for account in expected}


def test_the_step_may_do_what_the_operator_does_and_no_more_with_train_jobs() -> None:
    (role,) = by_kind("gke", "Role")
    rights = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert rights["trainjobs"] == {"create", "get", "list", "patch", "delete"}
    assert rights["pods"] == {"get", "list"}
    assert rights["pods/log"] == {"get"}


def test_a_managed_database_is_reached_by_steps_and_init_job_and_none_of_ours_is_made() -> None:
    base, managed = (names(overlay, "NetworkPolicy") for overlay in ("bare-metal", "managed-mysql"))
    assert managed - base == {"managed-mysql-steps", "managed-mysql-init"}
    assert base - managed == {"metadata"}
    assert not by_kind("managed-mysql", "StatefulSet") + by_kind("managed-mysql", "Service")
    opened = {}
    for policy in by_kind("managed-mysql", "NetworkPolicy"):
        for rule in policy["spec"].get("egress", ()):
            if {"protocol": "TCP", "port": 3306} in rule.get("ports", ()) and "ipBlock" in rule["to"][0]:
                (key,) = policy["spec"]["podSelector"]["matchLabels"].items()
                opened[key] = rule["to"]
    (job,) = by_kind("managed-mysql", "Job")
    init = job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
    assert set(opened) == {
        ("pipelines.kubeflow.org/v2_component", "true"),
        ("app.kubernetes.io/component", init),
    }
    assert all(to == [{"ipBlock": {"cidr": "10.0.0.0/8"}}] for to in opened.values())


def test_no_server_starts_before_there_is_a_model() -> None:
    for overlay in WHOLE:
        assert not [name for name in names(overlay, "Deployment") if name.endswith("-serving")]


def test_servers_are_locked_to_the_gpu_pool() -> None:
    servers = [d for d in by_kind("serving", "Deployment") if d["metadata"]["name"].endswith("-serving")]
    assert len(servers) == 4
    for server in servers:
        spec = server["spec"]["template"]["spec"]
        assert spec["nodeSelector"]["dacapo.music/pool"].startswith("gpu-")
        assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
        assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_in_single_user_mode_nothing_of_ours_holds_for_kubeflow_s_own_pods() -> None:
    kinds = {manifest["kind"] for manifest in rendered("single-user")}
    assert not kinds & {"Namespace", "ResourceQuota", "LimitRange"}
    (policy,) = by_kind("single-user", "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/component": "metadata"}


@pytest.mark.parametrize("overlay", [overlay for overlay in OVERLAYS if overlay != "kserve"])
def test_istio_puts_no_proxy_into_our_pods(overlay: str) -> None:
    """A Profile's namespace injects one, which would keep Jobs from ending and which our policies do not let out."""
    for pod in pods(overlay):
        if "metadata" in pod and pod.get("kind") != "ServingRuntime":
            assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_the_database_s_root_comes_from_the_pod_alone() -> None:
    """Its entry point prints the password."""
    (database,) = by_kind("gke", "StatefulSet")
    (container,) = database["spec"]["template"]["spec"]["containers"]
    assert {"name": "MARIADB_ROOT_HOST", "value": "localhost"} in container["env"]


def test_a_finished_init_job_makes_room_for_that_of_the_next_image() -> None:
    (job,) = by_kind("gke", "Job")
    assert job["spec"]["ttlSecondsAfterFinished"] > 600  # docs/kubeflow.md waits for it that long


def test_azure_s_volume_is_nfs() -> None:
    (kind,) = by_kind("aks", "StorageClass")
    (claim,) = by_kind("aks", "PersistentVolumeClaim")
    assert kind["parameters"]["protocol"] == "nfs"  # SMB has no hard links
    assert claim["spec"]["storageClassName"] == kind["metadata"]["name"]


def test_kserve_makes_deployments() -> None:
    services = by_kind("kserve", "InferenceService")
    assert len(services) == 4
    for service in services:
        assert service["metadata"]["annotations"] == {"serving.kserve.io/deploymentMode": "RawDeployment"}


def test_flink_s_worker_pool_stands_beside_the_main_container_instead_of_being_merged_into_it() -> None:
    """The operator merges pod templates by index unless told otherwise (FLINK-30786)."""
    (cluster,) = by_kind("flink", "FlinkDeployment")
    assert cluster["spec"]["flinkConfiguration"]["kubernetes.operator.pod-template.merge-arrays-by-name"] == "true"
