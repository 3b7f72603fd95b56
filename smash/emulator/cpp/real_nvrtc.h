// Calls a real NVRTC library, which compiles without a GPU.
#pragma once
#include <string>
#include <vector>

#include <dlfcn.h>

class RealNvrtc {
  public:
    /// Loads the library. `error` says why it cannot be used; it is empty if all is well.
    RealNvrtc(const std::string &file, std::string &error) {
        library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            error = dlerror();
            return;
        }
        find("nvrtcVersion", version, error);
        find("nvrtcCreateProgram", create, error);
        find("nvrtcCompileProgram", compile_program, error);
        find("nvrtcGetProgramLogSize", log_size, error);
        find("nvrtcGetProgramLog", get_log, error);
        find("nvrtcDestroyProgram", destroy, error);
    }

    /// Whether the library accepts the source. `log` becomes its messages.
    bool compile(const std::string &source, const std::vector<std::string> &options, std::string &log) const {
        void *program = nullptr;
        if (create(&program, source.c_str(), nullptr, 0, nullptr, nullptr) != 0) {
            log = "nvrtcCreateProgram failed";
            return false;
        }
        std::vector<const char *> arguments;
        for (const std::string &option : options) arguments.push_back(option.c_str());
        int status = compile_program(program, static_cast<int>(arguments.size()), arguments.data());
        size_t size = 0;
        log_size(program, &size);
        std::vector<char> text(size + 1);
        get_log(program, text.data());
        destroy(&program);
        log = text.data();
        return status == 0;
    }

    int (*version)(int *major, int *minor);

  private:
    template <class Function> void find(const char *name, Function &function, std::string &error) {
        function = reinterpret_cast<Function>(dlsym(library, name));
        if (function == nullptr) error = std::string("no function ") + name;
    }

    void *library;
    int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *);
    int (*compile_program)(void *, int, const char *const *);
    int (*log_size)(void *, size_t *);
    int (*get_log)(void *, char *);
    int (*destroy)(void **);
};
