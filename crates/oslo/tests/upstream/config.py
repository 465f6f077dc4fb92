"""Reads configurations as oslo.config does. The first line of standard input describes the options, each further
line is a configuration. Answers with the text of each value, or null for an error; null alone for a syntax error."""

import json
import os
import sys

from oslo_config import cfg
from oslo_config import types

TYPES = {
    "Str": cfg.StrOpt,
    "Int": cfg.IntOpt,
    "Float": cfg.FloatOpt,
    "Bool": cfg.BoolOpt,
    "List": cfg.ListOpt,
    "Dict": cfg.DictOpt,
    "MultiStr": cfg.MultiStrOpt,
    "Port": cfg.PortOpt,
    "Uri": cfg.URIOpt,
    "HostAddress": cfg.HostAddressOpt,
}


def option(entry):
    extra = {name: entry[name] for name in ("min", "max", "choices") if entry[name]}
    extra["deprecated_opts"] = [cfg.DeprecatedOpt(name, group=group) for group, name in entry["old_names"]]
    extra["default"] = entry["default"]
    if entry["kind"] == "BoundedList":
        return cfg.ListOpt(entry["name"], item_type=types.String(quotes=True), bounds=True, **extra)
    return TYPES[entry["kind"]](entry["name"], **extra)


def value(conf, entry):
    try:
        where = conf if entry["group"] == "DEFAULT" else getattr(conf, entry["group"])
        return [str(getattr(where, entry["name"]))]
    except Exception:
        return None


def answer(table, case):
    arguments = []
    for number, text in enumerate(case["files"]):
        with open(f"{number}.conf", "w", newline="") as file:
            file.write(text)
        arguments += ["--config-file", f"{number}.conf"]
    conf = cfg.ConfigOpts()
    for entry in table:
        conf.register_opt(option(entry), group=None if entry["group"] == "DEFAULT" else entry["group"])
    os.environ.update(case["environment"])
    try:
        conf(args=arguments, default_config_files=[], default_config_dirs=[])
        return [value(conf, entry) for entry in table]
    except cfg.ConfigFileParseError:
        return None
    finally:
        for name in case["environment"]:
            del os.environ[name]


table = json.loads(sys.stdin.readline())
print("null")
for line in sys.stdin:
    print(json.dumps(answer(table, json.loads(line))))
