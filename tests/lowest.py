"""Prints, for pip's --constraint, the oldest release of each requirement that setup.cfg allows."""

import configparser
import re
from pathlib import Path

settings = configparser.ConfigParser()
settings.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
needed = [settings["options"]["install_requires"]]
needed += [settings["options.extras_require"][extra] for extra in ("music", "speech", "folk", "tune")]
for name, lowest in re.findall(r"^([\w-]+)>=([\d.]+)", "\n".join(needed), re.MULTILINE):
    print(f"{name}=={lowest}")
