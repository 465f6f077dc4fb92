"""Answers what Python makes of a logging configuration file: its loggers and handlers, who gets which record, and lines."""

import json
import logging
import logging.config
import logging.handlers
import os
import sys
import time
import warnings

from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import formatters, handlers as oslo_handlers, log

warnings.simplefilter("ignore")
os.environ["TZ"] = "UTC"
time.tzset()
conf = cfg.ConfigOpts()
log.register_options(conf)
conf([], project="glance", default_config_files=[])
logging.raiseExceptions = False


def destination(handler):
    known = type(handler)
    if known is logging.NullHandler:
        return ["null"]
    if known in (logging.StreamHandler, oslo_handlers.ColorHandler):
        stream = "stdout" if handler.stream is sys.stdout else "stderr"
        return ["stream", stream, known is oslo_handlers.ColorHandler]
    if known is logging.FileHandler:
        return ["file", os.path.relpath(handler.baseFilename), False, handler.mode == "w"]
    if known is logging.handlers.WatchedFileHandler:
        return ["file", os.path.relpath(handler.baseFilename), True, handler.mode == "w"]
    if known is logging.handlers.RotatingFileHandler:
        return ["size", os.path.relpath(handler.baseFilename), handler.maxBytes, handler.backupCount]
    if known is logging.handlers.TimedRotatingFileHandler:
        return ["time", os.path.relpath(handler.baseFilename), handler.when, handler.backupCount, handler.utc]
    if known is logging.handlers.SysLogHandler:
        facility = handler.facility
        if isinstance(facility, str):
            facility = handler.facility_names[facility]
        address = handler.address
        return ["syslog", address if isinstance(address, str) else list(address), facility]
    if known is oslo_handlers.OSSysLogHandler:
        return ["os-syslog"]
    raise TypeError(known)


# Handlers that no logger uses are not kept anywhere else.
installed = []
install = logging.config._install_handlers
logging.config._install_handlers = lambda *args: installed.append(install(*args)) or installed[-1]


def reset():
    oslo_context._request_store.__dict__.pop("context", None)
    for name in list(logging.root.manager.loggerDict):
        del logging.root.manager.loggerDict[name]
    logging.root.handlers = []
    logging.root.setLevel(logging.NOTSET)


def record(case):
    given = case["record"]
    made = logging.LogRecord(
        given["name"], given["level"], given["pathname"], given["line"], given["message"], (), None, given["function"]
    )
    made.created = given["created"]
    made.msecs = given["msecs"] + 0.0
    made.relativeCreated = given["uptime"] + 0.0
    made.process, made.processName = given["process"], given["process_name"]
    made.thread, made.threadName = given["thread"], given["thread_name"]
    return made


def context(case):
    given = case["context"]
    if given is None:
        return None
    return oslo_context.RequestContext(
        user_id=given["user"], project_id=given["project"], user_domain_id=given["domain"],
        project_domain_id=given["domain"], request_id=given["request_id"],
        global_request_id=given["global_request_id"], overwrite=False,
    )


def line(handler, case):
    made = record(case)
    found = context(case)
    if found is not None:
        made.context = found
    if isinstance(handler.formatter, formatters.JSONFormatter):
        return "json"
    if handler.formatter is None:
        handler.setFormatter(logging.Formatter())
    return handler.formatter.format(made)


def answer(case):
    reset()
    with open("logging.conf", "w") as file:
        file.write(case["file"])
    try:
        logging.config.fileConfig("logging.conf", disable_existing_loggers=False)
    except Exception:
        return "error"
    known = installed[-1]
    receivers = []
    for name, level in case["asked"]:
        found = []
        logger = logging.getLogger(name)
        if level >= logger.getEffectiveLevel():
            while logger:
                found += [h.name for h in logger.handlers if level >= h.level]
                logger = logger.parent if logger.propagate else None
        receivers.append(found)
    return {
        "handlers": {name: destination(h) for name, h in sorted(known.items())},
        "lines": {name: line(h, case) for name, h in sorted(known.items())},
        "receivers": receivers,
    }


for text in sys.stdin:
    print(json.dumps(answer(json.loads(text))), file=sys.__stdout__)
