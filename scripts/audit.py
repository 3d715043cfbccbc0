"""Asks the registry's list of known vulnerabilities about every locked package; says so when it cannot be reached."""

import json
import subprocess
import sys

AUDIT = [
    sys.executable,
    "-m",
    "pip_audit",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner",
    "off",
    "-f",
    "json",
]
# Advisories that do not touch ClassTap, each with the reason.
IGNORED: dict[str, str] = {}


def main() -> int:
    """Return 1 when a locked package has a known vulnerability."""
    ignored = [word for advisory in IGNORED for word in ("--ignore-vuln", advisory)]
    asked = subprocess.run(
        [*AUDIT, *ignored, "-r", "requirements/test.txt"], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        why = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"The locked packages were not audited, for the list of vulnerabilities could not be read: {why}")
        return 0
    known = [(package, advisory) for package in packages for advisory in package.get("vulns", [])]
    for package, advisory in known:
        mended = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {advisory['id']}, mended in {mended}")
    print(f"Audited {len(packages)} locked packages: {len(known)} known vulnerabilities.")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
