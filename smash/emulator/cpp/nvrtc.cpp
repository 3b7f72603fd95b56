// Stand-in for libnvrtc: the functions that burn-cuda calls.
#include "kernels.h"
#include "settings.h"

#include <cstring>

namespace {

enum Status { NVRTC_SUCCESS = 0, NVRTC_ERROR_INVALID_INPUT = 3, NVRTC_ERROR_COMPILATION = 6 };

struct Program {
    std::string source, log, image;
};

Status size_of(const std::string &text, size_t *size) {
    *size = text.size() + 1;
    return NVRTC_SUCCESS;
}

Status copy(const std::string &text, char *target) {
    memcpy(target, text.c_str(), text.size() + 1);
    return NVRTC_SUCCESS;
}

}  // namespace

extern "C" {

Status nvrtcVersion(int *major, int *minor) {
    *major = settings().nvrtc.major;
    *minor = settings().nvrtc.minor;
    return NVRTC_SUCCESS;
}

const char *nvrtcGetErrorString(Status status) {
    switch (status) {
    case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
    }
    return "NVRTC_ERROR unknown";
}

Status nvrtcCreateProgram(Program **program, const char *source, const char *, int headers, const char *const *,
                          const char *const *) {
    if (source == nullptr || headers != 0) return NVRTC_ERROR_INVALID_INPUT;
    *program = new Program{source, "", ""};
    return NVRTC_SUCCESS;
}

Status nvrtcCompileProgram(Program *program, int count, const char *const *options) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    program->log.clear();
    bool accepted = compile_kernel(program->source, {options, options + count}, program->image, program->log);
    return accepted ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

Status nvrtcGetProgramLogSize(Program *program, size_t *size) { return size_of(program->log, size); }
Status nvrtcGetProgramLog(Program *program, char *log) { return copy(program->log, log); }
Status nvrtcGetPTXSize(Program *program, size_t *size) { return size_of(program->image, size); }
Status nvrtcGetPTX(Program *program, char *ptx) { return copy(program->image, ptx); }

Status nvrtcDestroyProgram(Program **program) {
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

}  // extern "C"
