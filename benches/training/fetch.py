#!/usr/bin/env python3
"""Fetches the packages that the built-in embedding is trained on, with the registries' own clients.

fetch.py CACHE [PACKAGES]   every line of packages.txt into CACHE/src/<registry>/<name>; what is there already is kept
fetch.py CACHE --pin FILE   for each "registry name [version]" of FILE: fetches it, prints a line for packages.txt

A line is: registry, name, version, licence, sha256 of the archive, then what the package is for (`train` or `held`,
written by hand; benches/train.rs reads it). Needs pip, npm, cargo or apt-get and dpkg-deb for
the registries that are named. Nothing of a package is run. Standard library only.
"""
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

# Free text and other names of the licences that may be in the list, and what each is brought to.
NAMES = [
    (r"apache.*2|apache-2|asl.?2|apache software license|^apache$", "Apache-2.0"),
    (r"bsd[- ]?2|simplified bsd", "BSD-2-Clause"),
    (r"bsd[- ]?3|new bsd|modified bsd|bsd-3-clause", "BSD-3-Clause"),
    (r"^(the )?mit( license)?$|osi approved :: mit license|^expat$|mit license", "MIT"),
    (r"^bsd|bsd license", "BSD"),
    (r"^isc|isc license", "ISC"),
    (r"zlib", "Zlib"),
    (r"^0bsd", "0BSD"),
    (r"unlicense", "Unlicense"),
]


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def one(pattern):
    found = sorted(glob.glob(pattern))
    if len(found) != 1:
        raise RuntimeError(f"{pattern}: {len(found)} files, one was expected")
    return found[0]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def licence(text):
    """The permissive ones among the alternatives of a licence; without any, the text behind a question mark."""
    text = " ".join((text or "").split())
    parts = [part.strip(" ()") for part in re.split(r"\bOR\b|\bor\b|/(?=[A-Z])", text)]
    known = []
    for part in parts:
        name = next((name for pattern, name in NAMES if re.search(pattern, part, re.I)), None)
        if name and not re.search(r"\bAND\b|\bWITH\b|GPL|MPL|CDDL|EPL", part):
            known.append(name)
    return "/".join(dict.fromkeys(known)) if known else "?" + text[:60].replace(" ", "_")


class Registry:
    """One client: downloads an archive into a folder, tells its version and licence, unpacks it."""

    def __init__(self, cache):
        self.cache = cache


class Pypi(Registry):
    def download(self, name, version, to):
        pin = f"{name}=={version}" if version else name
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version",
            "3.11", "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64", "--platform", "any",
            "-d", to, pin)
        return one(to + "/*.whl")

    def unpack(self, archive, to):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(to)

    def facts(self, folder):
        text = open(one(folder + "/*.dist-info/METADATA"), encoding="utf-8").read().split("\n\n")[0]
        field = lambda name: re.findall(rf"^{name}: (.*)$", text, re.M)
        expression = field("License-Expression") or [
            " OR ".join(entry.split(" :: ")[-1] for entry in field("Classifier")
                        if entry.startswith("License :: OSI Approved :: "))] or [""]
        named = expression[0] or (field("License") or [""])[0]
        return field("Version")[0], licence(named)


class Npm(Registry):
    def download(self, name, version, to):
        run("npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version or 'latest'}", cwd=to)
        return one(to + "/*.tgz")

    def unpack(self, archive, to):
        run("tar", "-xzf", archive, "-C", to, "--strip-components=1", "--no-same-owner")

    def facts(self, folder):
        with open(folder + "/package.json", encoding="utf-8") as file:
            about = json.load(file)
        named = about.get("license", "")
        return about["version"], licence(named if isinstance(named, str) else named.get("type", ""))


class Crates(Registry):
    """cargo has no command for one crate alone: a manifest that asks for it, and the archive out of cargo's cache."""

    def download(self, name, version, to):
        os.makedirs(to + "/p/src")
        open(to + "/p/src/lib.rs", "w", encoding="utf-8").close()
        wanted = f"={version}" if version else "*"
        with open(to + "/p/Cargo.toml", "w", encoding="utf-8") as file:
            file.write('[package]\nname = "fetched"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
                       f'{name} = {{ version = "{wanted}", default-features = false }}\n')
        run("cargo", "generate-lockfile", "-q", cwd=to + "/p")
        with open(to + "/p/Cargo.lock", "rb") as file:
            packages = tomllib.load(file)["package"]
        version = next(package["version"] for package in packages if package["name"] == name)
        run("cargo", "fetch", "-q", "--target", "x86_64-unknown-linux-gnu", cwd=to + "/p")
        home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
        archive = shutil.copy(one(f"{home}/registry/cache/*/{name}-{version}.crate"), to)
        shutil.rmtree(to + "/p")
        return archive

    def unpack(self, archive, to):
        run("tar", "-xzf", archive, "-C", to, "--strip-components=1", "--no-same-owner")

    def facts(self, folder):
        with open(folder + "/Cargo.toml", "rb") as file:
            about = tomllib.load(file)["package"]
        return about["version"], licence(about.get("license", ""))


class Debian(Registry):
    """Binary packages that hold sources: Go libraries, Ruby, PHP."""

    def apt(self, *rest, cwd=None):
        return run("apt-get", "-o", f"Dir::Etc::sourceparts={self.cache}/apt/parts", "-o",
                   "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::State::lists={self.cache}/apt/lists", "-o",
                   f"Dir::Cache={self.cache}/apt/cache", "-o", "APT::Sandbox::User=root", "-q", *rest, cwd=cwd)

    def prepare(self):
        """Package lists of its own, source packages included, from where the system takes its packages."""
        if os.path.isdir(self.cache + "/apt/done"):
            return
        for folder in ["parts", "lists/partial", "cache/archives/partial"]:
            os.makedirs(f"{self.cache}/apt/{folder}", exist_ok=True)
        with open("/etc/apt/sources.list.d/debian.sources", encoding="utf-8") as file:
            text = file.read()
        with open(self.cache + "/apt/parts/all.sources", "w", encoding="utf-8") as file:
            file.write(re.sub(r"^Types: deb$", "Types: deb deb-src", text, flags=re.M))
        self.apt("update")
        os.mkdir(self.cache + "/apt/done")

    def download(self, name, version, to):
        self.apt("download", f"{name}={version}" if version else name, cwd=to)
        return one(to + "/*.deb")

    def unpack(self, archive, to):
        run("dpkg-deb", "-x", archive, to)

    def facts(self, folder):
        about = one(folder + "/usr/share/doc/*/copyright")
        return None, copyright_of(about)


class DebianSource(Debian):
    def download(self, name, version, to):
        self.apt("source", "--download-only", f"{name}={version}" if version else name, cwd=to)
        return one(to + "/*.orig.tar.*[!c]")

    def unpack(self, archive, to):
        run("tar", "-xf", archive, "-C", to, "--strip-components=1", "--no-same-owner")
        about = glob.glob(os.path.dirname(archive) + "/*.debian.tar.*")
        with tarfile.open(about[0]) as file:
            content = file.extractfile("debian/copyright").read()
        with open(to + "/debian.copyright", "wb") as file:
            file.write(content)

    def facts(self, folder):
        return None, copyright_of(folder + "/debian.copyright")


def copyright_of(path):
    """The licence of `Files: *` in a Debian copyright file."""
    text = open(path, encoding="utf-8", errors="replace").read()
    found = re.search(r"^Files:\s*\*.*?^License:\s*(.*?)$", text, re.M | re.S)
    return licence(found.group(1) if found else "")


REGISTRIES = {"pypi": Pypi, "npm": Npm, "crates": Crates, "debian": Debian, "debian-source": DebianSource}
SOURCES = re.compile(r"\.(py|rs|js|mjs|cjs|jsx|ts|tsx|mts|go|java|c|h|cc|cpp|cxx|hpp|hh|cs|rb|php)$")


def fetch(cache, registry, name, version, expected):
    """Returns the line for packages.txt; an error where the archive is another one than the list says."""
    folder = os.path.join(cache, "src", registry, name.replace("/", "+"))
    mark = folder + ".done"
    if expected and os.path.exists(mark) and expected in open(mark, encoding="utf-8").read():
        return "there already"
    work = folder + ".work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(work + "/in")
    os.makedirs(work + "/out")
    client = REGISTRIES[registry](cache)
    archive = client.download(name, version, work + "/in")
    digest = sha256(archive)
    if expected and digest != expected:
        raise RuntimeError(f"{archive} has sha256 {digest}, {expected} is in the list")
    client.unpack(archive, work + "/out")
    found, terms = client.facts(work + "/out")
    if terms.startswith("?"):
        raise RuntimeError(f"its licence, {terms[1:]!r}, is not known to be permissive")
    if not found:
        dsc = glob.glob(work + "/in/*.dsc")
        found = (re.search(r"^Version: (.*)$", open(dsc[0], encoding="utf-8").read(), re.M).group(1) if dsc
                 else run("dpkg-deb", "-f", archive, "Version").strip())
    for top, _, files in os.walk(work + "/out"):
        for file in files:
            path = os.path.join(top, file)
            if not SOURCES.search(file) or os.path.islink(path):
                os.remove(path)
    os.rename(work + "/out", folder)
    shutil.rmtree(work)
    line = f"{registry} {name} {found} {terms} {digest}"
    with open(mark, "w", encoding="utf-8") as file:
        file.write(line + "\n")
    return line


def main():
    cache = os.path.abspath(sys.argv[1])
    pin = "--pin" in sys.argv
    given = [word for word in sys.argv[2:] if word != "--pin"]
    path = given[0] if given else os.path.join(os.path.dirname(os.path.abspath(__file__)), "packages.txt")
    lines = [line.split() for line in open(path, encoding="utf-8") if line.strip() and not line.startswith("#")]
    if any(line[0].startswith("debian") for line in lines):
        Debian(cache).prepare()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def step(line):
            registry, name = line[:2]
            expected = line[4] if len(line) > 4 else None
            return fetch(cache, registry, name, line[2] if len(line) > 2 else None, expected)
        jobs = {pool.submit(step, line): line for line in lines}
        for count, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            name = " ".join(jobs[job][:2])
            try:
                result = job.result()
            except (RuntimeError, OSError, KeyError, StopIteration, ValueError, IndexError) as error:
                failed += 1
                result = f"failed: {error}"
            if pin and not result.startswith("failed"):
                print(result, flush=True)
            print(f"{count}/{len(jobs)} {name}: {result if not pin or 'failed' in result else 'pinned'}",
                  file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
