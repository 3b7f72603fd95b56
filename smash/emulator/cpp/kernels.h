// Compiled kernels.
#pragma once
#include "include/emulator_interface.h"

#include <string>
#include <vector>

struct Kernel {
    std::string name;
    /// Null if kernels are not executed.
    EmulatorEntry entry;
};

/// Compiles a source that has one kernel. Returns whether all compilers accept it. `options` are NVRTC's, with the
/// folder of the emulator's headers. `image` becomes the text that stands for PTX, `log` the messages of the compilers.
bool compile_kernel(const std::string &source, const std::vector<std::string> &options, std::string &image,
                    std::string &log);

/// The kernel of an image that this or another process compiled into the same cache; null if there is none.
const Kernel *load_kernel(const std::string &image);
