"""Takes files out of a wheel, which is a zip archive.

    wheel.py unpack WHEEL FOLDER PATTERN...   only what matches a pattern; !PATTERN leaves out again
    wheel.py requirements FOLDER NAME         the Requires-Dist lines of an unpacked NAME, one a line
"""

import fnmatch
import pathlib
import sys
import zipfile


def unpack(wheel, folder, *patterns):
    wanted = [p for p in patterns if not p.startswith("!")]
    unwanted = [p[1:] for p in patterns if p.startswith("!")]
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("/") or not any(fnmatch.fnmatchcase(name, p) for p in wanted):
                continue
            if not any(fnmatch.fnmatchcase(name, p) for p in unwanted):
                archive.extract(name, folder)


def requirements(folder, name):
    for metadata in pathlib.Path(folder).glob(f"{name}-*.dist-info/METADATA"):
        for line in metadata.read_text(encoding="utf-8").splitlines():
            if not line:  # the description follows the headers
                break
            # An extra's requirements are asked for by name only; set-up asks for none.
            if line.startswith("Requires-Dist:") and "extra ==" not in line:
                print(line.partition(":")[2].strip())


if __name__ == "__main__":
    try:
        {"unpack": unpack, "requirements": requirements}[sys.argv[1]](*sys.argv[2:])
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(f"{error}")
