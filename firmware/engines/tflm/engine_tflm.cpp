/* engine.h over TensorFlow Lite Micro: the model is a flatbuffer in flash (model_data.h),
 * run by the interpreter of the library the project depends on. tflm_model.h is generated:
 * the operators the model needs, and the arena's size. */
#include <new>

#include "engine.h"
#include "model_data.h"
#include "port.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_model.h"

/* The aot engine's name for the same thing, so that tools find the arena in the ELF. */
extern "C" {
alignas(16) uint8_t network_arena[TFLM_ARENA_BYTES];
}

namespace
{
/* What TFLM says before it fails is the reason; the last of it is kept. */
constexpr uint32_t kWordsBytes = 160;
char words[kWordsBytes];
uint32_t words_length = 0;

/* The interpreter tells when an operator begins and ends: between the two lies its cost. */
class Profiler : public tflite::MicroProfilerInterface
{
  public:
    uint32_t BeginEvent(const char *) override
    {
        if (!recording || count == TFLM_MODEL_OPS) {
            return TFLM_MODEL_OPS;
        }
        ticks[count] = port_ticks();
        return count++;
    }

    void EndEvent(uint32_t event) override
    {
        if (event < TFLM_MODEL_OPS) {
            ticks[event] = port_ticks() - ticks[event];
        }
    }

    bool recording = false;
    uint32_t count = 0;
    uint64_t ticks[TFLM_MODEL_OPS] = {};
};

alignas(Profiler) uint8_t profiler_memory[sizeof(Profiler)];
Profiler *profiler = nullptr;
alignas(tflite::MicroInterpreter) uint8_t interpreter_memory[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;
engine_info_t info = {"tflm", TFLM_MODEL_NAME, TFLM_MODEL_SHA256, 0, 0, 0, 0, 1};

int fail(int code, const char *otherwise)
{
    if (words_length == 0) {
        for (const char *c = otherwise; *c != '\0' && words_length + 1 < kWordsBytes; ++c) {
            words[words_length++] = *c;
        }
        words[words_length] = '\0';
    }
    return code;
}

engine_dtype_t dtype_of(TfLiteType type)
{
    switch (type) {
    case kTfLiteInt16:
        return ENGINE_INT16;
    case kTfLiteInt32:
        return ENGINE_INT32;
    case kTfLiteUInt8:
        return ENGINE_UINT8;
    case kTfLiteFloat32:
        return ENGINE_FLOAT32;
    case kTfLiteBool:
        return ENGINE_BOOL;
    default:
        return ENGINE_INT8;
    }
}

uint32_t width_of(engine_dtype_t dtype)
{
    return dtype == ENGINE_INT16 ? 2u : dtype == ENGINE_INT32 || dtype == ENGINE_FLOAT32 ? 4u : 1u;
}

engine_tensor_t describe(const TfLiteTensor *tensor)
{
    engine_tensor_t found = {};
    if (tensor != nullptr) {
        found.data = tensor->data.data;
        found.bytes = static_cast<uint32_t>(tensor->bytes);
        found.dtype = dtype_of(tensor->type);
        found.elements = found.bytes / width_of(found.dtype);
        found.scale = tensor->params.scale;
        found.zero_point = tensor->params.zero_point;
    }
    return found;
}
} // namespace

/* The library's line of output; it calls this with one string or piece of a line at a time. */
extern "C" void DebugLog(const char *text)
{
    for (; *text != '\0'; ++text) {
        if (words_length + 1 < kWordsBytes) {
            /* One line, and no character that ends a message of the monitor. */
            const char c = *text;
            words[words_length++] = c == '\r' || c == '\n' || c == ']' ? ' ' : c;
        }
    }
    words[words_length] = '\0';
}

extern "C" int engine_init(void)
{
    words_length = 0;
    words[0] = '\0';
    const tflite::Model *model = tflite::GetModel(g_model);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        return fail(1, "the library knows another version of the model's schema");
    }
    static tflm_resolver_t resolver;
    if (!tflm_add_ops(resolver)) {
        return fail(2, "the library has not all operators of the model");
    }
    profiler = new (profiler_memory) Profiler;
    interpreter = new (interpreter_memory) tflite::MicroInterpreter(
        model, resolver, network_arena, sizeof network_arena, nullptr, profiler);
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        return fail(3, "the arena is too small");
    }
    info.inputs = static_cast<uint32_t>(interpreter->inputs_size());
    info.outputs = static_cast<uint32_t>(interpreter->outputs_size());
    /* Operators that the host does not name (variables' handles) can't be told apart. */
    const uint32_t ops = model->subgraphs()->Get(0)->operators()->size();
    info.layers = ops == TFLM_MODEL_OPS ? ops : 0;
    info.arena_bytes = static_cast<uint32_t>(interpreter->arena_used_bytes());
    return 0;
}

extern "C" const engine_info_t *engine_info(void)
{
    return &info;
}

extern "C" engine_tensor_t engine_input(uint32_t index)
{
    return describe(index < info.inputs ? interpreter->input(index) : nullptr);
}

extern "C" engine_tensor_t engine_output(uint32_t index)
{
    return describe(index < info.outputs ? interpreter->output(index) : nullptr);
}

extern "C" int engine_infer(void)
{
    if (interpreter == nullptr || interpreter->Invoke() != kTfLiteOk) {
        return fail(4, "the inference failed");
    }
    return 0;
}

/* The interpreter runs a model as a whole. */
extern "C" int engine_layer(uint32_t index)
{
    (void)index;
    return fail(5, "TFLM has no single layers");
}

extern "C" const uint64_t *engine_profile(void)
{
    if (profiler == nullptr) {
        return nullptr;
    }
    profiler->count = 0;
    profiler->recording = true;
    const int status = engine_infer();
    profiler->recording = false;
    if (status == 0 && profiler->count != TFLM_MODEL_OPS) {
        (void)fail(6, "the library does not tell of every operator");
        return nullptr;
    }
    return status == 0 ? profiler->ticks : nullptr;
}

extern "C" const uint8_t *engine_arena(void)
{
    return network_arena;
}

extern "C" void engine_reset(void)
{
    if (interpreter != nullptr) {
        (void)interpreter->Reset();
    }
}

extern "C" const char *engine_error(void)
{
    return words;
}
