"""What scripts/rootfs took from which Debian package: their notices, which have
to go with them, the entries that scanners of images look for, and a bill of
materials in CycloneDX JSON (https://cyclonedx.org/docs/1.6/json/)."""

import datetime
import hashlib
import json
import os
import re
import subprocess
import urllib.parse

FIELDS = ("Package", "Version", "Architecture", "Source", "Maintainer",
          "Homepage")
# Made when its package is configured, and so in no package's list.
MADE_BY = {"/etc/ssl/certs/ca-certificates.crt": "ca-certificates"}
DOC = "/usr/share/doc/%s/copyright"


def query(*words):
    done = subprocess.run(["dpkg-query", *words], capture_output=True,
                          text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stdout


def spellings(path):
    """Where a package may say that a file is: /lib is /usr/lib by now."""
    for one in (path, os.path.realpath(path)):
        yield one
        yield one[len("/usr"):] if one.startswith("/usr/") else "/usr" + one


def owners(paths):
    """{path: the package that owns it}"""
    asked = {path: list(spellings(path)) for path in paths}
    lines = query("--search", *{s for all_ in asked.values() for s in all_})
    told = {path: names.split(", ")[0] for names, path in
            (line.rsplit(": ", 1) for line in lines.splitlines())}
    result = {}
    for path, same in asked.items():
        name = MADE_BY.get(path) or next(
            (told[one] for one in same if one in told), None)
        if name is None:
            raise SystemExit("rootfs: no package owns '%s'" % path)
        result[path] = name
    return result


def licenses(name):
    """The short names in a machine-readable notice. Of any other the place, and
    which of the common licences it mentions: for what, only a reader can tell.
    """
    with open(DOC % name, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if text.startswith("Format:"):
        return sorted(set(re.findall(r"^License:[ \t]*(\S[^\n]*?)\s*$", text,
                                     re.M)))
    mentioned = sorted({one.rstrip(".") for one in re.findall(
        r"/usr/share/common-licenses/([\w.+-]+)", text)})
    return ["see %s%s" % (DOC % name, ", which mentions " +
                          ", ".join(mentioned) if mentioned else "")]


def packages(paths):
    """{name: its fields, "files" and "licenses"} of the packages that own
    these files, by name."""
    found = {}
    for path, name in owners(paths).items():
        found.setdefault(name, []).append(path)
    result = {}
    for name in sorted(found):
        values = query("--show", "--showformat", "".join(
            "${%s}\\n" % ("source:Package" if f == "Source" else f)
            for f in FIELDS), name).split("\n")
        entry = dict(zip(FIELDS, values))
        entry["files"] = sorted(found[name])
        entry["licenses"] = licenses(entry["Package"])
        result[entry["Package"]] = entry
    return result


def put_notices(root, found):
    """The notices, and an entry each as scanners of small images know it."""
    status = os.path.join(root, "var/lib/dpkg/status.d")
    os.makedirs(status)
    for name, entry in found.items():
        folder = os.path.join(root, "usr/share/doc", name)
        os.makedirs(folder)
        with open(DOC % name, "rb") as source, \
                open(os.path.join(folder, "copyright"), "wb") as target:
            target.write(source.read())
        with open(os.path.join(status, name), "w", encoding="utf-8") as file:
            file.write("".join("%s: %s\n" % (f, entry[f])
                               for f in FIELDS if entry[f]))
            file.write("Status: install ok installed\n")
    release = "/etc/os-release"
    with open(release, encoding="utf-8") as source, \
            open(os.path.join(root, "etc/os-release"), "w",
                 encoding="utf-8") as target:
        target.write(source.read())


def file_component(root, path, ref):
    with open(os.path.join(root, path.lstrip("/")), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"type": "file", "bom-ref": ref + "#" + path, "name": path,
            "hashes": [{"alg": "SHA-256", "content": digest}]}


def package_component(root, name, entry):
    purl = "pkg:deb/debian/%s@%s?arch=%s" % (
        name, urllib.parse.quote(entry["Version"], safe=".+~-"),
        entry["Architecture"])
    component = {
        "type": "library", "bom-ref": purl, "name": name,
        "version": entry["Version"], "purl": purl,
        "publisher": entry["Maintainer"],
        "licenses": [{"license": {"name": one}} for one in entry["licenses"]],
        "components": [file_component(root, path, purl)
                       for path in entry["files"]]}
    if entry["Homepage"]:
        component["externalReferences"] = [
            {"type": "website", "url": entry["Homepage"]}]
    return component


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True,
                          text=True, check=True)
    return done.stdout.split()[-1]


def write(path, root, ours, found, epoch):
    version = version_of(ours[0])
    ref = "pkg:generic/lakeseg@" + version
    components = [package_component(root, name, entry)
                  for name, entry in found.items()]
    bom = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(
                epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "container", "bom-ref": ref, "name": "lakeseg",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "components": [
                    file_component(root, "/" + os.path.relpath(one, root), ref)
                    for one in ours]}},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": [
            one["bom-ref"] for one in components]}]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(bom, file, indent=1, ensure_ascii=False)
        file.write("\n")
