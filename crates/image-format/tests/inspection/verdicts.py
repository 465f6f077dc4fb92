"""Answers what oslo.utils says about images, one line per question.

A question on standard input is a path, a length to cut the file to (or -),
and patches (offset:hex, separated by commas), separated by tabs. The answer
has, for each format that matches, its name, its virtual size and the outcome
of its safety checks; an exception is a ! and its name. The size of an
unreadable image is 0.
"""

import logging
import sys

from oslo_utils.imageutils import format_inspector

# What the file driver of glance_store reads at a time.
CHUNK = 64 * 1024


def load(path, length, patches):
    with open(path, 'rb') as image:
        data = bytearray(image.read() if length == '-' else image.read(int(length)))
    for patch in filter(None, patches.split(',')):
        offset, content = patch.split(':')
        content = bytes.fromhex(content)
        data[int(offset):int(offset) + len(content)] = content
    return bytes(data)


def size_of(inspector):
    try:
        return str(inspector.virtual_size)
    except Exception as error:
        return '!' + type(error).__name__


def safety_of(inspector):
    try:
        inspector.safety_check()
        return 'safe'
    except format_inspector.SafetyCheckFailed as error:
        return ','.join(sorted(error.failures))
    except format_inspector.ImageFormatError:
        return 'unreadable'
    except Exception as error:
        return '!' + type(error).__name__


def describe(inspector):
    safety = safety_of(inspector)
    size = '0' if safety == 'unreadable' else size_of(inspector)
    return f'{inspector} {size} {safety}'


def answer(data):
    chunks = (data[start:start + CHUNK] for start in range(0, len(data), CHUNK))
    wrapper = format_inspector.InspectWrapper(chunks)
    for _ in wrapper:
        pass
    try:
        formats = sorted(wrapper.formats, key=str)
    except Exception as error:
        return '!' + type(error).__name__
    return ';'.join(describe(each) for each in formats)


def main():
    logging.disable(logging.CRITICAL)
    for question in sys.stdin:
        print(answer(load(*question.rstrip('\n').split('\t'))), flush=True)


main()
