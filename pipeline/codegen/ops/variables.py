"""READ_VARIABLE and ASSIGN_VARIABLE: copies from and to state.

The reader turns handles (VAR_HANDLE) and first values (CALL_ONCE) into variable tensors,
so those two never reach an engine; they are listed because a model may have them.
"""

from __future__ import annotations

from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.kernels.kernel import Code, Portable, Site, Support
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.move import Copy, check_moved, copies
from pipeline.convert.graph import Graph, Op


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1) or check_moved(graph, op, [0])
    if problem:
        return problem
    return common.same_shape(tensor(graph, op, 0), common.output(graph, op))


def _lower(site: Site) -> Code:
    count = common.elements(common.output(site.graph, site.op))
    return copies(site, [Copy(0, 0, [count], [1], [1])])


def _check_gone(graph: Graph, op: Op) -> Problem:
    return "a handle that the reader could not resolve", common.TFLM


SUPPORT = (
    *(
        Support(
            name=name,
            dtypes=("int8", "int16", "int32"),
            kernels=[
                Portable(_lower, lambda graph, op: bytes_of(common.output(graph, op)) / 4 + 20)
            ],
            check=_check,
            notes="state; survives between inferences",
        )
        for name in ("READ_VARIABLE", "ASSIGN_VARIABLE")
    ),
    *(
        Support(
            name=name,
            dtypes=("resource",),
            kernels=[Portable(lambda site: Code("", ""), lambda graph, op: 0.0)],
            check=_check_gone,
            notes="turned into state when the model is read",
        )
        for name in ("VAR_HANDLE", "CALL_ONCE")
    ),
)
