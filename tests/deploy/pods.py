"""What C{deploy/kubernetes} comes to, and the pods that it describes."""

import re
import shutil
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.container import Check, Container, Mounted
from tests.deploy.dockerfile import Image, read
from tests.deploy.programs import said
from tests.source import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
_EXPANDED = re.compile(r"\$\((\w+)\)")

Resource = Mapping[str, Any]


def rendered(folder: Path, *, key: str, curve: str, storage: str) -> list[Resource]:
    """All resources.

    @param folder: where the files are laid together with the secrets that an operator writes.
    @param curve: what the manager writes for it.
    """
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secrets"))
    (folder / "secrets").mkdir()
    (folder / "secrets" / "api-key").write_text(f"{key}\n", encoding="utf-8")
    (folder / "secrets" / "curve").write_text(curve, encoding="utf-8")
    (folder / "secrets" / "storage.env").write_text(f"KATO_STORAGE={storage}\n", encoding="utf-8")
    return list(yaml.safe_load_all(said("kubectl", "kustomize", str(folder))))


def of_kind(resources: Sequence[Resource], kind: str) -> dict[str, Resource]:
    """The resources of a kind, by name."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}


def sets(resources: Sequence[Resource]) -> dict[str, tuple[Resource, int]]:
    """What makes pods, and how many there are at least."""
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"]
        for each in of_kind(resources, "HorizontalPodAutoscaler").values()
    }
    return {
        name: (each, each["spec"].get("replicas") or scaled[name])
        for name, each in of_kind(resources, "StatefulSet").items()
    }


def containers(resources: Sequence[Resource]) -> list[Container]:
    """The containers of all pods, as many as there are at least."""
    stages = read()
    return [
        _container(each, number, resources, stages)
        for each, replicas in sets(resources).values()
        for number in range(replicas)
    ]


def _container(
    resource: Resource, number: int, resources: Sequence[Resource], stages: Mapping[str, Image]
) -> Container:
    pod = resource["spec"]["template"]["spec"]
    [told] = pod["containers"]
    image = stages[told["image"].partition(":")[0]]
    name = f"{resource['metadata']['name']}-{number}"
    user = pod["securityContext"]
    return Container(
        name=f"{name}.{resource['spec']['serviceName']}",
        words=tuple(told["args"]),
        environment={**image.environment, **_environment(told["env"], name, resources)},
        user=f"{user['runAsUser']}:{user['runAsGroup']}",
        folder=image.folder,
        check=_check(told),
        mounted=_mounted(pod, told, of_kind(resources, "Secret")),
        grace=pod["terminationGracePeriodSeconds"],
    )


def _environment(
    variables: Sequence[Mapping[str, Any]], pod: str, resources: Sequence[Resource]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in variables:
        value = each["value"] if "value" in each else _looked_up(each["valueFrom"], pod, resources)
        found[each["name"]] = _EXPANDED.sub(lambda name: found[name[1]], value)
    return found


def _looked_up(place: Mapping[str, Any], pod: str, resources: Sequence[Resource]) -> str:
    [(kind, where)] = place.items()
    if kind == "fieldRef":
        assert where == {"fieldPath": "metadata.name"}, where
        return pod
    found: str
    if kind == "configMapKeyRef":
        found = of_kind(resources, "ConfigMap")[where["name"]]["data"][where["key"]]
    else:
        found = secret(of_kind(resources, "Secret")[where["name"]], where["key"])
    return found


def secret(resource: Resource, key: str) -> str:
    """What a secret says."""
    return b64decode(resource["data"][key]).decode()


def _check(told: Mapping[str, Any]) -> Check:
    probe = told["readinessProbe"]
    if "exec" in probe:
        return Check(command=tuple(probe["exec"]["command"]))
    ports = {each["name"]: each["containerPort"] for each in told["ports"]}
    return Check(path=probe["httpGet"]["path"], port=ports[probe["httpGet"]["port"]])


def _mounted(
    pod: Mapping[str, Any], told: Mapping[str, Any], secrets: Mapping[str, Resource]
) -> dict[str, Mounted]:
    """The keys of each secret, at their paths."""
    names = {
        each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each
    }
    return {
        f"{each['mountPath']}/{key}": Mounted("secret", names[each["name"]])
        for each in told["volumeMounts"]
        if each["name"] in names
        for key in secrets[names[each["name"]]]["data"]
    }
