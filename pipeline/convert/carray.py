"""FlatModel -> C array: model_data.h and model_data.c."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline import scratch
from pipeline.convert.reader import check_identifier
from pipeline.errors import StepFailed
from pipeline.load.flatmodel import FlatModel

HEADER = "model_data.h"
SOURCE = "model_data.c"
_PER_LINE = 12


@dataclass(frozen=True)
class CArray:
    """A model as C source.

    Attributes:
        header: path of model_data.h.
        source: path of model_data.c.
        length: bytes of the model.
        sha256: of the model, hexadecimal.
    """

    header: Path
    source: Path
    length: int
    sha256: str


def c_header(model: FlatModel) -> str:
    """Text of model_data.h, valid C11 and C++11."""
    return f"""\
/* {model.name}: {len(model.content)} bytes of TFLite flatbuffer.
 * SHA-256 {model.sha256} */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#define MODEL_DATA_NAME "{model.name}"
#define MODEL_DATA_LENGTH {len(model.content)}u
#define MODEL_DATA_SHA256 "{model.sha256}"

#ifdef __cplusplus
extern "C" {{
#endif

/* The flatbuffer, aligned to 16 bytes as its readers expect. */
extern const unsigned char g_model[MODEL_DATA_LENGTH];
extern const unsigned int g_model_len;
/* Of g_model, 64 hexadecimal digits. */
extern const char g_model_sha256[65];

#ifdef __cplusplus
}}
#endif

#endif
"""


def c_source(model: FlatModel) -> str:
    """Text of model_data.c, valid C11 and C++11."""
    data = model.content
    rows = "\n".join(
        "    " + " ".join(f"0x{b:02x}," for b in data[i : i + _PER_LINE])
        for i in range(0, len(data), _PER_LINE)
    )
    return f"""\
/* {model.name}: {len(data)} bytes of TFLite flatbuffer.
 * SHA-256 {model.sha256} */
#include "{HEADER}"

#ifndef __cplusplus
#include <stdalign.h>
#endif

alignas(16) const unsigned char g_model[MODEL_DATA_LENGTH] = {{
{rows}
}};
const unsigned int g_model_len = MODEL_DATA_LENGTH;
const char g_model_sha256[65] = MODEL_DATA_SHA256;
"""


def write_c_array(model: FlatModel, folder: Path) -> CArray:
    """Writes model_data.h and model_data.c; the folder is made where it is missing.

    Each file is written under a temporary name and moved into place: a reader never
    sees half a file, and nothing is left behind when writing fails.

    Raises:
        ModelError: the content is no TFLite flatbuffer.
        StepFailed: the folder can't be written.
    """
    check_identifier(model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / HEADER, c_header(model))
        _write(folder / SOURCE, c_source(model))
    except OSError as error:
        raise StepFailed(
            f"can't write the C array: {error.strerror or error}",
            where=str(folder),
            hint="name a folder you may write to, on a disk with space left",
        ) from error
    return CArray(folder / HEADER, folder / SOURCE, len(model.content), model.sha256)


def _write(path: Path, text: str) -> None:
    handle, temporary = scratch.file_beside(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
