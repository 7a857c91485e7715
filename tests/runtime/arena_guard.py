"""C that watches the arena: layers read what is live, and write what is theirs.

Before a layer runs, every byte that holds nothing is given a changing value: its output,
its scratch memory, and what no one needs. After it, every byte but its output and its
scratch memory must be as it was; where the output reaches into an input, so does what it
may write. Reading what is not live shows in the outputs.
"""

from __future__ import annotations

from pipeline.codegen import Program
from pipeline.codegen.compile import ops_to_run
from pipeline.convert import Graph

HELPERS = """
static unsigned char arena_before[1 << 20];
/* Bytes of `kept`, pairs of begin and end, are left. */
__attribute__((unused)) static void arena_poison(unsigned char *arena, size_t size,
                                                 const unsigned *kept, size_t pairs)
{
    static unsigned seed = 1;
    for (size_t i = 0; i < size; i++) {
        int live = 0;
        for (size_t k = 0; k < pairs; k++) {
            live |= i >= kept[2 * k] && i < kept[2 * k + 1];
        }
        seed = seed * 1664525u + 1013904223u;
        if (!live) {
            arena[i] = (unsigned char)(seed >> 24);
        }
    }
    memcpy(arena_before, arena, size);
}
__attribute__((unused)) static void arena_check(const unsigned char *arena, size_t size,
                                                const unsigned *written, size_t pairs, int layer)
{
    for (size_t i = 0; i < size; i++) {
        int own = 0;
        for (size_t k = 0; k < pairs; k++) {
            own |= i >= written[2 * k] && i < written[2 * k + 1];
        }
        if (!own && arena[i] != arena_before[i]) {
            fprintf(stderr, "layer %d wrote byte %zu of %zu\\n", layer, i, size);
            exit(4);
        }
    }
}
"""


def guards(graph: Graph, program: Program, prefix: str) -> tuple[str, str]:
    """C to run before and after layer `i` of a program made of a prepared graph."""
    arena = f"{prefix}network_arena, sizeof {prefix}network_arena"
    before, after = "", ""
    for layer, op in enumerate(ops_to_run(graph)):
        state = {i for i in op.inputs if i >= 0 and graph.tensors[i].variable}
        own = {*op.outputs, *state}
        places = [p for p in program.placements if p.first <= layer <= p.last]
        live = [p for p in places if p.first < layer]
        written = [p for p in places if own & set(p.tensors) or p.name == f"scratch {layer}"]
        for what, blocks in (("poison", live), ("check", written)):
            ends = ", ".join(f"{p.offset}, {p.offset + p.size}" for p in blocks) or "0, 0"
            call = f"arena_{what}({arena}, (const unsigned[]){{{ends}}}, {max(len(blocks), 1)}"
            text = f"            if (i == {layer}) {call}"
            if what == "poison":
                before += text + ");\n"
            else:
                after += f"{text}, {layer});\n"
    return before, after
